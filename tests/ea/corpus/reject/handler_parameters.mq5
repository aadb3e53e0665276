// reject: translate: OnDeinit must take
void OnDeinit(void)
  {
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
