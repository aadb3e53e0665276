// reject: compile: overflow|conversion
void OnTick(void)
  {
   int x=5000000000;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
