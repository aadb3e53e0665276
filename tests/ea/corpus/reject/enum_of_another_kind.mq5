// reject: compile: cannot convert|no matching
void OnTick(void)
  {
   double x=AccountInfoDouble(ACCOUNT_LOGIN);
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
