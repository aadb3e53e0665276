// reject: translate: cannot be an array
input int InpX[2]={1,2};
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
