// reject: translate: inside of the arguments of 'MathMax'
void OnTick(void)
  {
   int i=0;
   int x=MathMax(i++,i);
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
