// reject: translate: parameter is missing
void f(int x,)
  {
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
