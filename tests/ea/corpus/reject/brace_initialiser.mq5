// reject: translate: is not an initialiser of MQL5
void OnTick(void)
  {
   int x{5};
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
