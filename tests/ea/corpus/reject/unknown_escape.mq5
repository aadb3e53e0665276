// reject: translate: unknown escape sequence
void OnTick(void)
  {
   string s="a\qb";
   Print(s);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
