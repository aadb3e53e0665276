// reject: compile: use of deleted function
void tell(const double &x) { Print(x); }
void OnTick(void)
  {
   tell(1.5);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
