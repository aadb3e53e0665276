// reject: translate: has a suffix or separator
void OnTick(void)
  {
   long x=10L;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
