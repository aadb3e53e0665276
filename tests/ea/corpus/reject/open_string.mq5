// reject: translate: string literal is not closed
void OnTick(void)
  {
   string s="abc;
   Print(s);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
