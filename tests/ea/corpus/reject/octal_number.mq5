// reject: translate: starts with a zero
void OnTick(void)
  {
   int x=010;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
