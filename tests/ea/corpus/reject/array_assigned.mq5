// reject: compile: use of deleted function
void OnTick(void)
  {
   int a[];
   int b[];
   ArrayResize(b,1);
   a=b;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
