// reject: translate: 'nullptr' is a word of C
void OnTick(void)
  {
   if(Symbol()==nullptr)
      return;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
