// reject: translate: pointers are outside
void f(int *p) { }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
