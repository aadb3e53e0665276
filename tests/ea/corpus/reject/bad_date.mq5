// reject: translate: is not a date
void OnTick(void)
  {
   datetime d=D'2025.13.45';
   Print(d);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
