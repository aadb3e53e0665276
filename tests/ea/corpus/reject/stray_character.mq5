// reject: translate: unexpected character
void OnTick(void)
  {
   int x=1 @ 2;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
