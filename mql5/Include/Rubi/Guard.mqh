//+------------------------------------------------------------------+
//|                                                        Guard.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_GUARD_MQH
#define RUBI_GUARD_MQH
#include "Account.mqh"
#include "Command.mqh"
#include "JsonReader.mqh"
#include "Rules.mqh"
#include "Settings.mqh"
//--- a global variable (F3 in the terminal) that stops all opening
#define RUBI_STOP_VARIABLE       "Rubi.stop"
//+------------------------------------------------------------------+
//| Class CRubiGuard.                                                |
//| Purpose: what this terminal refuses, whatever the service says.  |
//|          The stricter of its own limits and the service's rules. |
//|          An answer is a code, or empty for "go".                 |
//+------------------------------------------------------------------+
class CRubiGuard
  {
private:
   bool              m_trading;
   bool              m_demo_only;
   bool              m_need_stop;
   double            m_own_risk;
   int               m_own_positions;
   double            m_own_lot;
   int               m_own_rate;
   int               m_quote_age;
   double            m_risk;
   int               m_positions;
   double            m_lot;
   int               m_rate;
   bool              m_demo_service;
   int               m_before;         // positions before this batch of commands
   int               m_added;          // by this batch, whether they are visible yet or not
   ulong             m_sent[];
   int               m_sent_count;

   string            Rate(void);
   string            Slots(const SRubiCommand &command) const;

public:
                     CRubiGuard(void);
   void              Configure(const CRubiSettings &settings);
   void              TakeLimits(const CRubiJsonReader &reader,const int node);
   string            Allows(const SRubiCommand &command);
   string            Fresh(const SRubiCommand &command,const double price) const;
   string            Risk(const string symbol,const bool buy,const double volume,const double entry,const double sl) const;
   string            Margin(const string symbol,const ENUM_ORDER_TYPE type,const double volume,const double price) const;
   void              Batch(void);
   void              Added(const int positions);
   void              Sent(void);
   bool              DemoOnly(void) const;
   bool              Trading(void) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiGuard::CRubiGuard(void)
  {
   m_trading=false;
   m_demo_only=true;
   m_need_stop=true;
   m_own_risk=0.0;
   m_own_positions=0;
   m_own_lot=0.0;
   m_own_rate=0;
   m_quote_age=0;
   m_risk=0.0;
   m_positions=0;
   m_lot=0.0;
   m_rate=0;
   m_demo_service=false;
   m_before=0;
   m_added=0;
   m_sent_count=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiGuard::Configure(const CRubiSettings &settings)
  {
   m_trading=settings.m_trading;
   m_demo_only=settings.m_demo_only;
   m_need_stop=settings.m_need_stop;
   m_own_risk=settings.m_max_risk;
   m_own_positions=settings.m_max_positions;
   m_own_lot=settings.m_max_lot;
   m_own_rate=settings.m_max_per_minute;
   m_quote_age=settings.m_quote_age;
   m_risk=m_own_risk;
   m_positions=m_own_positions;
   m_lot=m_own_lot;
   m_rate=m_own_rate;
   m_demo_service=false;
  }
//+------------------------------------------------------------------+
//| Take the service's limits where they are stricter                |
//+------------------------------------------------------------------+
void CRubiGuard::TakeLimits(const CRubiJsonReader &reader,const int node)
  {
   if(reader.Kind(node)!=RUBI_JSON_OBJECT)
      return;
   double risk=reader.NumberOf(node,"max_risk_percent");
   double lot=reader.NumberOf(node,"max_volume");
   int    positions=(int)reader.LongOf(node,"max_open_positions");
   int    rate=(int)reader.LongOf(node,"max_orders_per_minute");
   m_risk=(risk>0.0 && risk<m_own_risk) ? risk : m_own_risk;
   m_lot=(lot>0.0 && lot<m_own_lot) ? lot : m_own_lot;
   m_positions=(positions>0 && positions<m_own_positions) ? positions : m_own_positions;
   m_rate=(rate>0 && rate<m_own_rate) ? rate : m_own_rate;
   m_demo_service=reader.Flag(reader.Find(node,"demo_only"));
  }
//+------------------------------------------------------------------+
//| May this command be worked on at all                             |
//+------------------------------------------------------------------+
string CRubiGuard::Allows(const SRubiCommand &command)
  {
   if(!m_trading)
      return("AUTO_TRADING_OFF");
//--- what the service asks for later must not keep a position open that is there already
   if(CRubiAccount::Real() && (m_demo_only || (m_demo_service && !RubiReduces(command.kind))))
      return("DEMO_ONLY");
   string block=CRubiAccount::TradeBlock();
   if(block!="")
      return(block);
   if(RubiReduces(command.kind))
      return("");
//--- closing is never limited from here on
   if(GlobalVariableCheck(RUBI_STOP_VARIABLE) && GlobalVariableGet(RUBI_STOP_VARIABLE)>0.0)
      return("KILL_SWITCH");
   string rate=Rate();
   if(rate!="")
      return(rate);
   if(!RubiOpens(command.kind))
      return("");
   if(command.volume>m_lot+0.00000001)
      return("MAX_VOLUME");
   if(m_need_stop && command.sl<=0.0 && !command.reduce_only)
      return("NO_STOP_LOSS");
   return(Slots(command));
  }
//+------------------------------------------------------------------+
//| Is there room for one more position                              |
//+------------------------------------------------------------------+
string CRubiGuard::Slots(const SRubiCommand &command) const
  {
   int taken=PositionsTotal();
//--- a position shows a moment after its OrderSend
   if(m_before+m_added>taken)
      taken=m_before+m_added;
   if(command.kind=="PLACE_PENDING")
     {
      int limit=(int)AccountInfoInteger(ACCOUNT_LIMIT_ORDERS);
      if(limit>0 && OrdersTotal()>=limit)
         return("MAX_PENDING_ORDERS");
      taken+=OrdersTotal();
     }
   if(command.reduce_only || taken<m_positions)
      return("");
//--- one position per symbol: more of it takes no new place
   if(!CRubiAccount::Hedging() && PositionSelect(command.symbol))
      return("");
   return("MAX_OPEN_POSITIONS");
  }
//+------------------------------------------------------------------+
//| Orders of the last minute                                        |
//+------------------------------------------------------------------+
string CRubiGuard::Rate(void)
  {
   ulong now=GetTickCount64();
   int   kept=0;
   for(int i=0; i<m_sent_count; i++)
     {
      if(now-m_sent[i]>=60000)
         continue;
      m_sent[kept]=m_sent[i];
      kept++;
     }
   m_sent_count=kept;
   if(m_sent_count>=m_rate)
      return("MAX_ORDERS_PER_MINUTE");
   return("");
  }
//+------------------------------------------------------------------+
//| Some commands follow one another                                 |
//+------------------------------------------------------------------+
void CRubiGuard::Batch(void)
  {
   m_before=PositionsTotal();
   m_added=0;
  }
//+------------------------------------------------------------------+
//| A command opened (1) or closed (-1) a position                   |
//+------------------------------------------------------------------+
void CRubiGuard::Added(const int positions)
  {
   m_added+=positions;
  }
//+------------------------------------------------------------------+
//| An order that counts in the minute was sent                      |
//+------------------------------------------------------------------+
void CRubiGuard::Sent(void)
  {
   ArrayResize(m_sent,m_sent_count+1,64);
   m_sent[m_sent_count]=GetTickCount64();
   m_sent_count++;
  }
//+------------------------------------------------------------------+
//| Quote, spread and price band at the moment of sending            |
//+------------------------------------------------------------------+
string CRubiGuard::Fresh(const SRubiCommand &command,const double price) const
  {
   MqlTick tick;
   if(!CRubiRules::Quote(command.symbol,tick))
      return("NO_QUOTE");
   if(RubiOpens(command.kind))
     {
      if((long)TimeTradeServer()-(long)tick.time>(long)m_quote_age)
         return("STALE_QUOTE");
      double point=SymbolInfoDouble(command.symbol,SYMBOL_POINT);
      if(command.max_spread>0.0 && tick.ask-tick.bid>(command.max_spread+0.1)*point)
         return("SPREAD_TOO_WIDE");
     }
   if(command.band_low>0.0 && price<command.band_low)
      return("PRICE_OUT_OF_BAND");
   if(command.band_high>0.0 && price>command.band_high)
      return("PRICE_OUT_OF_BAND");
   return("");
  }
//+------------------------------------------------------------------+
//| Would the stop lose more than the allowed part of the equity     |
//+------------------------------------------------------------------+
string CRubiGuard::Risk(const string symbol,const bool buy,const double volume,const double entry,const double sl) const
  {
   if(sl<=0.0)
      return(m_need_stop ? "NO_STOP_LOSS" : "");
   double          profit=0.0;
   ENUM_ORDER_TYPE type=buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL;
   if(!OrderCalcProfit(type,symbol,volume,entry,sl,profit))
      return("RISK_UNKNOWN");
   double equity=AccountInfoDouble(ACCOUNT_EQUITY);
   if(equity<=0.0)
      return("RISK_UNKNOWN");
   if(-profit>equity*m_risk/100.0+0.005)
      return("MAX_RISK");
   return("");
  }
//+------------------------------------------------------------------+
//| Is there margin for it                                           |
//+------------------------------------------------------------------+
string CRubiGuard::Margin(const string symbol,const ENUM_ORDER_TYPE type,const double volume,const double price) const
  {
   double margin=0.0;
   if(!OrderCalcMargin(type,symbol,volume,price,margin))
      return("MARGIN_UNKNOWN");
   if(margin>AccountInfoDouble(ACCOUNT_MARGIN_FREE))
      return("NOT_ENOUGH_MARGIN");
   return("");
  }
//+------------------------------------------------------------------+
//| Are real accounts out of bounds                                  |
//+------------------------------------------------------------------+
bool CRubiGuard::DemoOnly(void) const
  {
   return(m_demo_only || m_demo_service);
  }
//+------------------------------------------------------------------+
//| Does this terminal trade at all                                  |
//+------------------------------------------------------------------+
bool CRubiGuard::Trading(void) const
  {
   return(m_trading);
  }
#endif
//+------------------------------------------------------------------+
