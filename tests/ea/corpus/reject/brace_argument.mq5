// reject: translate: '{' may only open
void OnTick(void)
  {
   int x=1;
   x={2};
   Print({1,2});
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
