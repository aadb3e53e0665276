// reject: compile: sorts numbers only
void OnTick(void)
  {
   string a[];
   ArraySort(a);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
