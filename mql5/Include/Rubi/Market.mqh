//+------------------------------------------------------------------+
//|                                                       Market.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_MARKET_MQH
#define RUBI_MARKET_MQH
#include "JsonReader.mqh"
#include "Outbox.mqh"
#include "Rules.mqh"
#include "Symbols.mqh"
//+------------------------------------------------------------------+
//| Class CRubiMarket.                                               |
//| Purpose: ticks (CopyTicks from the last one, so that a slow call |
//|          loses none), and what the signals that leave would      |
//|          cost. Bounded, and never in the way of an order.        |
//+------------------------------------------------------------------+
class CRubiMarket
  {
private:
   bool              m_ticks;
   string            m_names[];
   long              m_last_tick[];
   long              m_new_tick[];
   int               m_count;
   int               m_turn;
   long              m_newest;
   int               m_written;

   int               Index(const string name);
   void              Tick(CRubiJsonWriter &writer,const string name,const MqlTick &tick);
   void              TicksOf(CRubiJsonWriter &writer,const int index);
   void              Forget(void);

public:
                     CRubiMarket(void);
   void              Configure(const CRubiSettings &settings);
   long              Newest(const CRubiSymbols &symbols);
   void              WriteTicks(CRubiJsonWriter &writer,const CRubiSymbols &symbols);
   void              WriteQuotes(CRubiJsonWriter &writer,const CRubiOutbox &outbox,const int signals) const;
   void              Acknowledged(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiMarket::CRubiMarket(void)
  {
   m_ticks=false;
   m_count=0;
   m_turn=0;
   m_newest=0;
   m_written=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiMarket::Configure(const CRubiSettings &settings)
  {
   m_ticks=settings.m_ticks;
   m_count=0;
   m_turn=0;
   m_newest=0;
  }
//+------------------------------------------------------------------+
//| The place of a symbol                                            |
//+------------------------------------------------------------------+
int CRubiMarket::Index(const string name)
  {
   for(int i=0; i<m_count; i++)
     {
      if(m_names[i]==name)
         return(i);
     }
   int index=m_count;
   m_count++;
   ArrayResize(m_names,m_count,64);
   ArrayResize(m_last_tick,m_count,64);
   ArrayResize(m_new_tick,m_count,64);
   m_names[index]=name;
   m_last_tick[index]=0;
   m_new_tick[index]=0;
   return(index);
  }
//+------------------------------------------------------------------+
//| The newest tick of all watched symbols, broker wall clock, ms    |
//+------------------------------------------------------------------+
long CRubiMarket::Newest(const CRubiSymbols &symbols)
  {
   MqlTick tick;
   int     total=symbols.Count();
   for(int i=0; i<total; i++)
     {
      if(SymbolInfoTick(symbols.Name(i),tick) && tick.time_msc>m_newest)
         m_newest=tick.time_msc;
     }
   return(m_newest);
  }
//+------------------------------------------------------------------+
//| One tick                                                         |
//+------------------------------------------------------------------+
void CRubiMarket::Tick(CRubiJsonWriter &writer,const string name,const MqlTick &tick)
  {
   if(m_written==0)
      writer.OpenList("ticks");
   writer.OpenObject("");
   writer.PutText("symbol",name);
   writer.PutNumber("bid",tick.bid);
   writer.PutNumber("ask",tick.ask);
   writer.PutNumber("last",tick.last);
   writer.PutLong("volume",(long)tick.volume);
   writer.PutLong("time_msc",tick.time_msc);
   writer.CloseObject();
   m_written++;
  }
//+------------------------------------------------------------------+
//| New ticks of a symbol; of too many the newest                    |
//+------------------------------------------------------------------+
void CRubiMarket::TicksOf(CRubiJsonWriter &writer,const int index)
  {
   MqlTick last;
   MqlTick ticks[];
   string  name=m_names[index];
   m_new_tick[index]=m_last_tick[index];
   if(!SymbolInfoTick(name,last) || last.time_msc<=m_last_tick[index])
      return;
   int copied=0;
   if(m_last_tick[index]>0)
      copied=CopyTicks(name,ticks,COPY_TICKS_ALL,(ulong)(m_last_tick[index]+1),1000);
   if(copied<=0)
     {
      Tick(writer,name,last);
      m_new_tick[index]=last.time_msc;
      return;
     }
   int from=0;
   if(copied>RUBI_TICKS_PER_SYMBOL && copied<1000)
      from=copied-RUBI_TICKS_PER_SYMBOL;
   for(int i=from; i<copied && i<from+RUBI_TICKS_PER_SYMBOL; i++)
     {
      Tick(writer,name,ticks[i]);
      m_new_tick[index]=ticks[i].time_msc;
     }
   if(copied==1000)
     {
      //--- far behind: go on from now
      Tick(writer,name,last);
      m_new_tick[index]=last.time_msc;
     }
  }
//+------------------------------------------------------------------+
//| What was written before was not delivered                        |
//+------------------------------------------------------------------+
void CRubiMarket::Forget(void)
  {
   for(int i=0; i<m_count; i++)
      m_new_tick[i]=m_last_tick[i];
  }
//+------------------------------------------------------------------+
//| Ticks of the watched symbols, each cycle beginning elsewhere     |
//+------------------------------------------------------------------+
void CRubiMarket::WriteTicks(CRubiJsonWriter &writer,const CRubiSymbols &symbols)
  {
   int total=symbols.Count();
   m_written=0;
   Forget();
   if(!m_ticks || total==0)
      return;
   for(int i=0; i<total && m_written<RUBI_TICKS_PER_SYNC; i++)
     {
      m_turn=(m_turn+1)%total;
      int index=Index(symbols.Name(m_turn));
      TicksOf(writer,index);
     }
   if(m_written>0)
      writer.CloseList();
  }
//+------------------------------------------------------------------+
//| What one lot of each leaving signal would lose at its stop and   |
//| bind as margin, by the broker's own calculation                  |
//+------------------------------------------------------------------+
void CRubiMarket::WriteQuotes(CRubiJsonWriter &writer,const CRubiOutbox &outbox,const int signals) const
  {
   CRubiJsonReader reader;
   int             written=0;
   for(int i=0; i<signals; i++)
     {
      MqlTick tick;
      if(!reader.Parse(outbox.Body(i)))
         continue;
      int    root=reader.Root();
      string symbol=reader.TextOf(root,"symbol");
      string side=reader.TextOf(root,"signal_type");
      double stop=reader.NumberOf(root,"stop_loss");
      bool   buy=(side=="BUY");
      if((!buy && side!="SELL") || stop<=0.0 || !CRubiRules::ReadyNow(symbol) || !CRubiRules::Quote(symbol,tick))
         continue;
      double          entry=buy ? tick.ask : tick.bid;
      double          profit=0.0;
      double          margin=0.0;
      ENUM_ORDER_TYPE type=buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL;
      if(!OrderCalcProfit(type,symbol,1.0,entry,stop,profit) || !OrderCalcMargin(type,symbol,1.0,entry,margin) || profit>=0.0)
         continue;
      if(written==0)
         writer.OpenList("quotes");
      writer.OpenObject("");
      writer.PutText("symbol",symbol);
      writer.PutText("side",side);
      writer.PutNumber("entry",entry);
      writer.PutNumber("stop",stop);
      writer.PutNumber("loss_per_lot",-profit);
      writer.PutNumber("margin_per_lot",margin);
      writer.CloseObject();
      written++;
     }
   if(written>0)
      writer.CloseList();
  }
//+------------------------------------------------------------------+
//| The service has what was written last                            |
//+------------------------------------------------------------------+
void CRubiMarket::Acknowledged(void)
  {
   for(int i=0; i<m_count; i++)
      m_last_tick[i]=m_new_tick[i];
  }
#endif
//+------------------------------------------------------------------+
