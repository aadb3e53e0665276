// reject: translate: '\*' before a value
void OnTick(void)
  {
   int x=1;
   int y=-*x;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
