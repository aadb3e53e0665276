// reject: translate: arrays are passed by reference only
void f(int a[]) { Print(a[0]); }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
