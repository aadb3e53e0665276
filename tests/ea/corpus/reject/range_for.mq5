// reject: translate: no 'for' over a range
void OnTick(void)
  {
   int list[3];
   for(int x : list)
      Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
