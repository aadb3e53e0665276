// reject: translate: no references but parameters
int ExtX=1;
int &f(void) { return(ExtX); }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
