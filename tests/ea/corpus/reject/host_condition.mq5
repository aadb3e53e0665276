// reject: translate: may not know about the host
#ifdef RUBI_HOST
int x;
#endif
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
