// reject: translate: one array per statement
void OnTick(void)
  {
   int a[3],b;
   a[0]=1;
   b=2;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
