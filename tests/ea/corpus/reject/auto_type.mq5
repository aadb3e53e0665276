// reject: translate: 'auto' is a word of C
void OnTick(void)
  {
   auto x=1;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
