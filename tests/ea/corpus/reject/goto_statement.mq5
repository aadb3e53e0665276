// reject: translate: 'goto' is a word of C
void OnTick(void)
  {
   again:
   goto again;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
