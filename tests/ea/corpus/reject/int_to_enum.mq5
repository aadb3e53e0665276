// reject: compile: invalid conversion from .int.
void OnTick(void)
  {
   ENUM_ORDER_TYPE t=1;
   Print(EnumToString(t));
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
