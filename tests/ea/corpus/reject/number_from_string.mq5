// reject: compile: cannot convert
void OnTick(void)
  {
   int x="5";
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
