// reject: translate: 'try' is a word of C
void OnTick(void)
  {
   try
     {
      Print("x");
     }
   catch(int e)
     {
     }
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
