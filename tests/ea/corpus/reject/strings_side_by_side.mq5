// reject: translate: join them with
void OnTick(void)
  {
   string s="a" "b";
   Print(s);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
