// reject: translate: #if is outside
#if 1
int x;
#endif
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
