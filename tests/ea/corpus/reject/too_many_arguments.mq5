// reject: compile: too many arguments|no matching
void OnTick(void)
  {
   int n=StringLen("a",1);
   Print(n);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
