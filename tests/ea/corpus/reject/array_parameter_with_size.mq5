// reject: translate: no size, one dimension
void f(int &a[10]) { Print(a[0]); }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
