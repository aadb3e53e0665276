// reject: translate: inside of a function
void OnTick(void)
  {
   int helper(int x) { return(x); }
   Print(helper(1));
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
