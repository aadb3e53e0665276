// reject: translate: without #endif
#ifdef RUBI_X
int x;
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
