// reject: compile: void value|void expression|invalid use of void
void nothing(void) { Print("x"); }
void OnTick(void)
  {
   int x=nothing();
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
