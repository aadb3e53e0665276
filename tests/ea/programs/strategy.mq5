//--- a strategy of somebody's own: three lines send a signal
#property version "1.00"
#include <Rubi/Signals.mqh>

CRubiSignals Signals;

int OnInit(void)
  {
   Signals.Source("strategy of the tests");
   return(INIT_SUCCEEDED);
  }

void OnTick(void)
  {
   if(!Signals.Buy(1.095,1.11))
      Print("the signal was not kept");
  }
