// reject: translate: '&' before a value
void OnTick(void)
  {
   int x=1;
   long y=(long)&x;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
