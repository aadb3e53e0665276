// reject: translate: cannot be void
void ExtX;
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
