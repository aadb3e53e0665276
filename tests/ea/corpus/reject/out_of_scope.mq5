// reject: compile: was not declared in this scope
void OnTick(void)
  {
   for(int i=0; i<3; i++)
      Print(i);
   Print(i);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
