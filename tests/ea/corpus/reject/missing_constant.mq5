// reject: translate: 'CHART_COLOR_GRID' is a built-in of MQL5 that
void OnTick(void)
  {
   int x=CHART_COLOR_GRID;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
