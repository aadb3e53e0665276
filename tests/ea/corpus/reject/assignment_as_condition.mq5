// reject: compile: suggest parentheses
void OnTick(void)
  {
   int x=1;
   if(x=2)
      Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
