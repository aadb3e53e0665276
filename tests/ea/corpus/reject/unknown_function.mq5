// reject: translate: neither a function of this program
void OnTick(void)
  {
   PlaceOrderNow(1);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
