// reject: compile: different signedness
void OnTick(void)
  {
   uint n=5;
   int m=(int)n;
   if(m<n)
      Print("x");
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
