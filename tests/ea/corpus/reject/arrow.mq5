// reject: translate: '->' is not an operator
void OnTick(void)
  {
   int x=1;
   x->y=2;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
