// reject: translate: '##' in macros
#define JOIN(a,b) a##b
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
