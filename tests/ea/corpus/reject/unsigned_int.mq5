// reject: translate: 'unsigned' is a word of C
void OnTick(void)
  {
   unsigned int x=1;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
