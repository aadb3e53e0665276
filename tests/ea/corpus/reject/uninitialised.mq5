// reject: flow: uninitialized
int f(const int x)
  {
   int y;
   return(y+x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
