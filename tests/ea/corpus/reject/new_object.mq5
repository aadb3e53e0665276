// reject: translate: 'new' is outside
void OnTick(void)
  {
   int x=new int;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
