// reject: translate: input belongs outside
void OnTick(void)
  {
   input int InpX=1;
   Print(InpX);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
