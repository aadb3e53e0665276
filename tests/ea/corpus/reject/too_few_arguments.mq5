// reject: compile: too few arguments
int add(const int a,const int b) { return(a+b); }
void OnTick(void)
  {
   int n=add(1);
   Print(n);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
