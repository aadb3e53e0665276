// reject: flow: control reaches end|no return statement
int f(const int x)
  {
   if(x>0)
      return(1);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
