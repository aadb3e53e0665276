// reject: translate: longer than 63
void OnTick(void)
  {
   int xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=1;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
