// reject: translate: no references but parameters
void OnTick(void)
  {
   int x=1;
   int &y=x;
   y=2;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
