// reject: compile: no match for .operator\+
void OnTick(void)
  {
   string s="a"+5;
   Print(s);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
