// reject: translate: exactly one character
void OnTick(void)
  {
   ushort c='ab';
   Print(c);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
