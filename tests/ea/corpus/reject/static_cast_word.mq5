// reject: translate: 'static_cast' is a word of C
void OnTick(void)
  {
   int x=static_cast<int>(1.5);
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
