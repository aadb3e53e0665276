// reject: translate: standard library is not ours
#include <Trade/Trade.mqh>
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
