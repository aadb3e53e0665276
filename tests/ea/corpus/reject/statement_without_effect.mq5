// reject: compile: no effect|unused
void OnTick(void)
  {
   int x=1;
   x+1;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
