// reject: compile: no match for .operator==
void OnTick(void)
  {
   if(Symbol()==5)
      return;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
