// reject: translate: inside of the arguments of 'Print'
void OnTick(void)
  {
   int i=0;
   Print(i=5);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
