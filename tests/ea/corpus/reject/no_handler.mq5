// reject: translate: no event handler
int f(void)
  {
   return(1);
  }
