// reject: compile: shadows
void OnTick(void)
  {
   int x=1;
   if(x>0)
     {
      int x=2;
      Print(x);
     }
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
