// reject: translate: not a handler that the host drives
double OnTester(void)
  {
   return(0.0);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
