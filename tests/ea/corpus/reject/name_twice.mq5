// reject: translate: already declared
int ExtX=1;
double ExtX=2.0;
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
