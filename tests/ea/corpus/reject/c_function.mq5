// reject: translate: 'strlen' is neither
void OnTick(void)
  {
   string s="a";
   int n=strlen(s);
   Print(n);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
