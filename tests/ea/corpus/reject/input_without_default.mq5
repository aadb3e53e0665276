// reject: translate: needs a default value
input int InpX;
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
