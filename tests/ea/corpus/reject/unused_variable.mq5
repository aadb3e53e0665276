// reject: compile: unused variable
void OnTick(void)
  {
   int x=1;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
