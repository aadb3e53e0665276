// reject: translate: not a property
#property strictly_mine "x"
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
