//+------------------------------------------------------------------+
//|                                                        Rules.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_RULES_MQH
#define RUBI_RULES_MQH
#include "Defines.mqh"
#include "Text.mqh"
//+------------------------------------------------------------------+
//| Class CRubiRules.                                                |
//| Purpose: what a symbol allows: quotes, grid of prices, steps of  |
//|          volumes, filling, stops and freeze levels.              |
//+------------------------------------------------------------------+
class CRubiRules
  {
public:
   static bool       ReadyNow(const string symbol);
   static bool       Ready(const string symbol);
   static bool       Quote(const string symbol,MqlTick &tick);
   static double     Price(const string symbol,const double price);
   static double     Volume(const string symbol,const double volume);
   static int        Fillings(const string symbol,const string wanted,ENUM_ORDER_TYPE_FILLING &modes[]);
   static bool       TypeTime(const string symbol,const string wanted,ENUM_ORDER_TYPE_TIME &type_time);
   static string     TradeModeFault(const string symbol,const bool buy);
   static string     StopsFault(const string symbol,const bool buy,const double reference,const double sl,const double tp);
   static string     PendingFault(const string symbol,const ENUM_ORDER_TYPE type,const double price,const double stop_limit);
   static bool       Frozen(const string symbol,const double price,const double market);
   static bool       PendingType(const string side,const string order_type,ENUM_ORDER_TYPE &type);
   static bool       Meant(const string symbol,const string side);
   static bool       BuySide(const ENUM_ORDER_TYPE type);
  };
//+------------------------------------------------------------------+
//| Known, in Market Watch and synchronised at this moment           |
//+------------------------------------------------------------------+
bool CRubiRules::ReadyNow(const string symbol)
  {
   MqlTick tick;
   if(symbol=="" || !SymbolSelect(symbol,true))
      return(false);
   return(SymbolIsSynchronized(symbol) && Quote(symbol,tick));
  }
//+------------------------------------------------------------------+
//| The same, after a wait of a second at most                       |
//+------------------------------------------------------------------+
bool CRubiRules::Ready(const string symbol)
  {
   if(symbol=="" || !SymbolSelect(symbol,true))
      return(false);
   for(int i=0; i<RUBI_SYMBOL_TRIES; i++)
     {
      if(ReadyNow(symbol))
         return(true);
      Sleep(RUBI_SYMBOL_SLEEP_MS);
     }
   return(false);
  }
//+------------------------------------------------------------------+
//| The last quote, both sides of it                                 |
//+------------------------------------------------------------------+
bool CRubiRules::Quote(const string symbol,MqlTick &tick)
  {
   if(!SymbolInfoTick(symbol,tick))
      return(false);
   return(tick.bid>0.0 && tick.ask>0.0);
  }
//+------------------------------------------------------------------+
//| A price on the grid of ticks; 0 stays 0                          |
//+------------------------------------------------------------------+
double CRubiRules::Price(const string symbol,const double price)
  {
   if(price<=0.0)
      return(0.0);
   int    digits=(int)SymbolInfoInteger(symbol,SYMBOL_DIGITS);
   double size=SymbolInfoDouble(symbol,SYMBOL_TRADE_TICK_SIZE);
   if(size<=0.0)
      return(NormalizeDouble(price,digits));
   return(NormalizeDouble(MathRound(price/size)*size,digits));
  }
//+------------------------------------------------------------------+
//| A volume on the grid of steps, never more than asked; 0 when it  |
//| would be below the minimum                                       |
//+------------------------------------------------------------------+
double CRubiRules::Volume(const string symbol,const double volume)
  {
   double least=SymbolInfoDouble(symbol,SYMBOL_VOLUME_MIN);
   double step=SymbolInfoDouble(symbol,SYMBOL_VOLUME_STEP);
   if(volume<=0.0 || step<=0.0)
      return(0.0);
//--- 0.3/0.1 is 2.9999999999999996
   double rounded=NormalizeDouble(MathFloor(volume/step+0.0000001)*step,8);
   if(rounded<least-0.00000001)
      return(0.0);
   return(rounded);
  }
//+------------------------------------------------------------------+
//| Filling modes to try for a market order, best first.             |
//| SYMBOL_FILLING_MODE is a set of flags, not the enumeration.      |
//| RETURN is forbidden under market execution.                      |
//+------------------------------------------------------------------+
int CRubiRules::Fillings(const string symbol,const string wanted,ENUM_ORDER_TYPE_FILLING &modes[])
  {
   long flags=SymbolInfoInteger(symbol,SYMBOL_FILLING_MODE);
   ENUM_SYMBOL_TRADE_EXECUTION execution=(ENUM_SYMBOL_TRADE_EXECUTION)SymbolInfoInteger(symbol,SYMBOL_TRADE_EXEMODE);
   bool fok=((flags&SYMBOL_FILLING_FOK)!=0);
   bool ioc=((flags&SYMBOL_FILLING_IOC)!=0);
   bool rest=(execution!=SYMBOL_TRADE_EXECUTION_MARKET);
   int  count=0;
   ArrayResize(modes,3);
   if(wanted=="IOC" && ioc)
     {
      modes[count]=ORDER_FILLING_IOC;
      count++;
      ioc=false;
     }
   if(wanted=="RETURN" && rest)
     {
      modes[count]=ORDER_FILLING_RETURN;
      count++;
      rest=false;
     }
   if(fok)
     {
      modes[count]=ORDER_FILLING_FOK;
      count++;
     }
   if(ioc)
     {
      modes[count]=ORDER_FILLING_IOC;
      count++;
     }
   if(rest)
     {
      modes[count]=ORDER_FILLING_RETURN;
      count++;
     }
   if(count==0)
     {
      modes[0]=ORDER_FILLING_FOK;
      count=1;
     }
   ArrayResize(modes,count);
   return(count);
  }
//+------------------------------------------------------------------+
//| How long a pending order lives, when the symbol allows it        |
//+------------------------------------------------------------------+
bool CRubiRules::TypeTime(const string symbol,const string wanted,ENUM_ORDER_TYPE_TIME &type_time)
  {
   long flags=SymbolInfoInteger(symbol,SYMBOL_EXPIRATION_MODE);
   if(wanted=="DAY")
     {
      type_time=ORDER_TIME_DAY;
      return((flags&SYMBOL_EXPIRATION_DAY)!=0);
     }
   if(wanted=="SPECIFIED")
     {
      type_time=ORDER_TIME_SPECIFIED;
      return((flags&SYMBOL_EXPIRATION_SPECIFIED)!=0);
     }
   if(wanted=="SPECIFIED_DAY")
     {
      type_time=ORDER_TIME_SPECIFIED_DAY;
      return((flags&SYMBOL_EXPIRATION_SPECIFIED_DAY)!=0);
     }
   type_time=ORDER_TIME_GTC;
   return((flags&SYMBOL_EXPIRATION_GTC)!=0);
  }
//+------------------------------------------------------------------+
//| May a position be opened on this side now; a code or empty       |
//+------------------------------------------------------------------+
string CRubiRules::TradeModeFault(const string symbol,const bool buy)
  {
   ENUM_SYMBOL_TRADE_MODE mode=(ENUM_SYMBOL_TRADE_MODE)SymbolInfoInteger(symbol,SYMBOL_TRADE_MODE);
   if(mode==SYMBOL_TRADE_MODE_DISABLED)
      return("SYMBOL_TRADE_DISABLED");
   if(mode==SYMBOL_TRADE_MODE_CLOSEONLY)
      return("SYMBOL_CLOSE_ONLY");
   if(mode==SYMBOL_TRADE_MODE_LONGONLY && !buy)
      return("SYMBOL_LONG_ONLY");
   if(mode==SYMBOL_TRADE_MODE_SHORTONLY && buy)
      return("SYMBOL_SHORT_ONLY");
   return("");
  }
//+------------------------------------------------------------------+
//| Are the stops on their right sides and far enough from the price |
//| at which the position would close; a code or empty               |
//+------------------------------------------------------------------+
string CRubiRules::StopsFault(const string symbol,const bool buy,const double reference,const double sl,const double tp)
  {
   double point=SymbolInfoDouble(symbol,SYMBOL_POINT);
   double level=(double)SymbolInfoInteger(symbol,SYMBOL_TRADE_STOPS_LEVEL)*point;
   double slack=point/10.0;
   double to_sl=buy ? reference-sl : sl-reference;
   double to_tp=buy ? tp-reference : reference-tp;
   if(sl>0.0 && to_sl<=0.0)
      return("STOP_ON_WRONG_SIDE");
   if(tp>0.0 && to_tp<=0.0)
      return("TAKE_PROFIT_ON_WRONG_SIDE");
   if(sl>0.0 && to_sl<level-slack)
      return("STOP_TOO_CLOSE");
   if(tp>0.0 && to_tp<level-slack)
      return("TAKE_PROFIT_TOO_CLOSE");
   return("");
  }
//+------------------------------------------------------------------+
//| Is a pending price on its right side of the market; a code       |
//+------------------------------------------------------------------+
string CRubiRules::PendingFault(const string symbol,const ENUM_ORDER_TYPE type,const double price,const double stop_limit)
  {
   MqlTick tick;
   if(!Quote(symbol,tick))
      return("NO_QUOTE");
   double point=SymbolInfoDouble(symbol,SYMBOL_POINT);
   double level=(double)SymbolInfoInteger(symbol,SYMBOL_TRADE_STOPS_LEVEL)*point;
   double distance=0.0;
   switch(type)
     {
      case ORDER_TYPE_BUY_LIMIT:
         distance=tick.ask-price;
         break;
      case ORDER_TYPE_SELL_LIMIT:
         distance=price-tick.bid;
         break;
      case ORDER_TYPE_BUY_STOP:
      case ORDER_TYPE_BUY_STOP_LIMIT:
         distance=price-tick.ask;
         break;
      default:
         distance=tick.bid-price;
         break;
     }
   if(distance<=0.0)
      return("PRICE_ON_WRONG_SIDE");
   if(distance<level-point/10.0)
      return("PRICE_TOO_CLOSE");
   bool with_limit=(type==ORDER_TYPE_BUY_STOP_LIMIT || type==ORDER_TYPE_SELL_STOP_LIMIT);
   if(with_limit && stop_limit<=0.0)
      return("STOP_LIMIT_PRICE_MISSING");
   return("");
  }
//+------------------------------------------------------------------+
//| Is a level so near to the market that the broker freezes it      |
//+------------------------------------------------------------------+
bool CRubiRules::Frozen(const string symbol,const double price,const double market)
  {
   long level=SymbolInfoInteger(symbol,SYMBOL_TRADE_FREEZE_LEVEL);
   if(level<=0 || price<=0.0)
      return(false);
   return(MathAbs(price-market)<=(double)level*SymbolInfoDouble(symbol,SYMBOL_POINT));
  }
//+------------------------------------------------------------------+
//| MT5's type of a pending order                                    |
//+------------------------------------------------------------------+
bool CRubiRules::PendingType(const string side,const string order_type,ENUM_ORDER_TYPE &type)
  {
   bool buy=(side=="BUY");
   if(!buy && side!="SELL")
      return(false);
   if(order_type=="LIMIT")
      type=buy ? ORDER_TYPE_BUY_LIMIT : ORDER_TYPE_SELL_LIMIT;
   else
      if(order_type=="STOP")
         type=buy ? ORDER_TYPE_BUY_STOP : ORDER_TYPE_SELL_STOP;
      else
         if(order_type=="STOP_LIMIT")
            type=buy ? ORDER_TYPE_BUY_STOP_LIMIT : ORDER_TYPE_SELL_STOP_LIMIT;
         else
            return(false);
   return(true);
  }
//+------------------------------------------------------------------+
//| Is the selected position of the symbol and side; empty: of any   |
//+------------------------------------------------------------------+
bool CRubiRules::Meant(const string symbol,const string side)
  {
   bool buy=((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_BUY);
   if(symbol!="" && PositionGetString(POSITION_SYMBOL)!=symbol)
      return(false);
   return(side=="" || side==(buy ? "BUY" : "SELL"));
  }
//+------------------------------------------------------------------+
//| Does an order of this type buy                                   |
//+------------------------------------------------------------------+
bool CRubiRules::BuySide(const ENUM_ORDER_TYPE type)
  {
   return(type==ORDER_TYPE_BUY || type==ORDER_TYPE_BUY_LIMIT || type==ORDER_TYPE_BUY_STOP || type==ORDER_TYPE_BUY_STOP_LIMIT);
  }
#endif
//+------------------------------------------------------------------+
