// reject: compile: return-statement with a value
void OnTick(void)
  {
   return(1);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
