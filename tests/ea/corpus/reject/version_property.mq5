// reject: translate: version must look like
#property version "3.1.0"
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
