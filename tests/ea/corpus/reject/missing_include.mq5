// reject: translate: cannot open include file
#include "Nowhere.mqh"
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
