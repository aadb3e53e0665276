//+------------------------------------------------------------------+
//|                                     RubiMovingAverageExample.mq5 |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#property copyright   "Copyright 2025, Rubi Studio"
#property link        "https://www.rubi-studio.com/"
#property version     "1.00"
#property description "An example of a strategy that sends signals: two moving averages cross."
#property description "It does not trade. Run RubiStudioConnector on another chart."
#include <Rubi/Signals.mqh>

input int    FastPeriod=12;     // Period of the fast average
input int    SlowPeriod=26;     // Period of the slow average
input int    StopPoints=300;    // Distance of the stop, points
input int    TakePoints=600;    // Distance of the target, points

CRubiSignals ExtSignals;
int          ExtFast=INVALID_HANDLE;
int          ExtSlow=INVALID_HANDLE;
datetime     ExtBar=0;
//+------------------------------------------------------------------+
//| Expert initialization function                                   |
//+------------------------------------------------------------------+
int OnInit(void)
  {
   if(FastPeriod<1 || SlowPeriod<=FastPeriod || StopPoints<1 || TakePoints<1)
     {
      Print("FastPeriod must be at least 1 and less than SlowPeriod, both distances at least 1");
      return(INIT_PARAMETERS_INCORRECT);
     }
   ExtFast=iMA(Symbol(),Period(),FastPeriod,0,MODE_EMA,PRICE_CLOSE);
   ExtSlow=iMA(Symbol(),Period(),SlowPeriod,0,MODE_EMA,PRICE_CLOSE);
   if(ExtFast==INVALID_HANDLE || ExtSlow==INVALID_HANDLE)
      return(INIT_FAILED);
   ExtSignals.Source("moving average example");
//--- the bar that is already there gives no signal
   ExtBar=iTime(Symbol(),Period(),0);
   return(INIT_SUCCEEDED);
  }
//+------------------------------------------------------------------+
//| Expert deinitialization function                                 |
//+------------------------------------------------------------------+
void OnDeinit(const int reason)
  {
   IndicatorRelease(ExtFast);
   IndicatorRelease(ExtSlow);
  }
//+------------------------------------------------------------------+
//| Expert tick function                                             |
//+------------------------------------------------------------------+
void OnTick(void)
  {
   double   fast[];
   double   slow[];
   datetime bar=iTime(Symbol(),Period(),0);
   if(bar==0 || bar==ExtBar)
      return;
//--- the two bars that are closed, the older one first
   if(CopyBuffer(ExtFast,0,1,2,fast)!=2 || CopyBuffer(ExtSlow,0,1,2,slow)!=2)
      return;
   ExtBar=bar;
   double point=SymbolInfoDouble(Symbol(),SYMBOL_POINT);
   double ask=SymbolInfoDouble(Symbol(),SYMBOL_ASK);
   double bid=SymbolInfoDouble(Symbol(),SYMBOL_BID);
   if(fast[0]<=slow[0] && fast[1]>slow[1])
     {
      ExtSignals.CloseSell();
      ExtSignals.Buy(ask-StopPoints*point,ask+TakePoints*point);
     }
   if(fast[0]>=slow[0] && fast[1]<slow[1])
     {
      ExtSignals.CloseBuy();
      ExtSignals.Sell(bid+StopPoints*point,bid-TakePoints*point);
     }
  }
//+------------------------------------------------------------------+
