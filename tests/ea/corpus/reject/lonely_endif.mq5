// reject: translate: without #ifdef
#endif
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
