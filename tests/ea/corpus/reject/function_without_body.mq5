// reject: translate: must have a body
int f(const int x);
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
