// reject: compile: suggest parentheses
void OnTick(void)
  {
   bool a=IsStopped(),c=IsStopped();
   if(a && c || a)
      Print("x");
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
