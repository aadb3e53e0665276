// reject: translate: lambdas
void OnTick(void)
  {
   int x=[](){ return(1); }();
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
