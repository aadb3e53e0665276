// reject: translate: has a suffix or separator
void OnTick(void)
  {
   int x=1'000;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
