// reject: translate: must be a constant
input int InpX=MathRand();
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
