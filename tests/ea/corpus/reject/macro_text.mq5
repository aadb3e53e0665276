// reject: translate: '#' in macros
#define TEXT(a) #a
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
