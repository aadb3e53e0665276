// reject: compile: Werror=enum-compare
void OnTick(void)
  {
   ENUM_ORDER_TYPE t=ORDER_TYPE_BUY;
   if(t==POSITION_TYPE_BUY)
      return;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
