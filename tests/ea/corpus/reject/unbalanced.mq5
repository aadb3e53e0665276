// reject: translate: unbalanced|never closed
void f(void)
  {
   Print("x";
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
