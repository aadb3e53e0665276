// reject: compile: cannot bind non-const lvalue
void tell(string &text) { Print(text); }
void OnTick(void)
  {
   tell(Symbol()+"x");
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
