// reject: translate: takes 2 arguments
#define ADD(a,b) ((a)+(b))
void OnTick(void)
  {
   int x=ADD(1);
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
