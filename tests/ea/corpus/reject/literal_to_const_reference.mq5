// reject: compile: use of deleted function
void tell(const string &text) { Print(text); }
void OnTick(void)
  {
   tell("x");
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
