// reject: compile: assignment of read-only
void OnTick(void)
  {
   const int x=1;
   x=2;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
