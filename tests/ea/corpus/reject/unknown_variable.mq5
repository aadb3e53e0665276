// reject: translate: undeclared identifier 'total'
void OnTick(void)
  {
   int x=total+1;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
