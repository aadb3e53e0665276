// reject: translate: 'delete' is outside
void OnTick(void)
  {
   int x=1;
   delete x;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
