// reject: translate: typedef is outside
typedef int (*TFunc)(int);
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
