// reject: translate: does not belong to a function outside
static int f(void)
  {
   return(1);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
