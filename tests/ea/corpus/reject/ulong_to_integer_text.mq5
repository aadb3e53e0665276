// reject: compile: cast the ulong
void OnTick(void)
  {
   ulong ticket=1;
   string s=IntegerToString(ticket);
   Print(s);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
