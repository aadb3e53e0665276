// reject: compile: invalid operands
void OnTick(void)
  {
   double x=5.5%2.0;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
