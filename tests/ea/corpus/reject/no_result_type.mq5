// reject: translate: has no result type|declaration expected
f(void)
  {
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
