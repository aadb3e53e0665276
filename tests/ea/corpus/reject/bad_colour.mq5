// reject: translate: has a part beyond 255
void OnTick(void)
  {
   color c=C'300,0,0';
   Print(c);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
