// reject: translate: cannot be defined again
int StringLen(const string text) { return(0); }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
