// reject: translate: cannot have a default value
void f(int &x=0) { x=1; }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
