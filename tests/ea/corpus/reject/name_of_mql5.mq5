// reject: translate: is a name of MQL5 itself
enum EMood
  {
   ORDER_TYPE_BUY
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
