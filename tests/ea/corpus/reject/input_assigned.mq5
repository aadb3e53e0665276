// reject: compile: assignment of read-only
input int InpX=1;
void OnTick(void)
  {
   InpX=5;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
