// reject: compile: not usable in a constant expression|constant expression
void OnTick(void)
  {
   int n=MathRand();
   int a[n];
   a[0]=1;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
