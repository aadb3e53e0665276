// reject: compile: cannot convert
void OnTick(void)
  {
   ENUM_ORDER_TYPE t=POSITION_TYPE_BUY;
   Print(EnumToString(t));
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
