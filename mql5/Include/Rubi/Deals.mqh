//+------------------------------------------------------------------+
//|                                                        Deals.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_DEALS_MQH
#define RUBI_DEALS_MQH
#include "Defines.mqh"
#include "JsonWriter.mqh"
#include "Settings.mqh"
#include "Tickets.mqh"
//+------------------------------------------------------------------+
//| Class CRubiDeals.                                                |
//| Purpose: the deals and the ended orders that the service does    |
//|          not have. The broker's history is the outbox: events    |
//|          only say "look now", a look every 30 s finds the rest.  |
//+------------------------------------------------------------------+
class CRubiDeals
  {
private:
   CRubiTickets      m_deals;
   CRubiTickets      m_orders;
   long              m_cursor;         // milliseconds, broker wall clock
   int               m_days;
   bool              m_dirty;
   ulong             m_scanned;

   void              Scan(void);
   bool              WriteDeal(CRubiJsonWriter &writer,const ulong ticket,const bool first) const;
   bool              WriteOrder(CRubiJsonWriter &writer,const ulong ticket,const bool first) const;

public:
                     CRubiDeals(void);
   void              Configure(const CRubiSettings &settings);
   void              Resume(const long cursor_msc);
   void              Advance(const long cursor_msc);
   void              Dirty(void);
   bool              Waiting(void) const;
   bool              Backlog(void) const;
   void              Write(CRubiJsonWriter &writer,const bool with_orders);
   void              Acknowledged(void);
   void              Dropped(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiDeals::CRubiDeals(void)
  {
   m_cursor=0;
   m_days=1;
   m_dirty=true;
   m_scanned=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiDeals::Configure(const CRubiSettings &settings)
  {
   m_days=settings.m_history_days;
  }
//+------------------------------------------------------------------+
//| Begin where the service has got to                               |
//+------------------------------------------------------------------+
void CRubiDeals::Resume(const long cursor_msc)
  {
   m_deals.Reset();
   m_orders.Reset();
   m_cursor=cursor_msc;
   m_dirty=true;
  }
//+------------------------------------------------------------------+
//| The service has got further                                      |
//+------------------------------------------------------------------+
void CRubiDeals::Advance(const long cursor_msc)
  {
   if(cursor_msc>m_cursor)
      m_cursor=cursor_msc;
  }
//+------------------------------------------------------------------+
//| Something happened: look at the next cycle                       |
//+------------------------------------------------------------------+
void CRubiDeals::Dirty(void)
  {
   m_dirty=true;
  }
//+------------------------------------------------------------------+
//| Is there something to send, or to look for                       |
//+------------------------------------------------------------------+
bool CRubiDeals::Waiting(void) const
  {
   return(m_dirty || Backlog());
  }
//+------------------------------------------------------------------+
//| Is there more than one message could hold                        |
//+------------------------------------------------------------------+
bool CRubiDeals::Backlog(void) const
  {
   return(m_deals.Count()>0 || m_orders.Count()>0);
  }
//+------------------------------------------------------------------+
//| Queue what history has and the service has not. It begins a day  |
//| before the cursor: a deal may reach the terminal late.           |
//+------------------------------------------------------------------+
void CRubiDeals::Scan(void)
  {
   long now=(long)TimeTradeServer();
   long from=now-(long)m_days*RUBI_DAY_SECONDS;
   if(m_cursor>0)
      from=m_cursor/1000-RUBI_DAY_SECONDS;
   if(!HistorySelect((datetime)from,(datetime)(now+RUBI_DAY_SECONDS)))
      return;
   int total=HistoryDealsTotal();
   for(int i=0; i<total; i++)
     {
      ulong ticket=HistoryDealGetTicket(i);
      if(ticket>0)
         m_deals.Add(ticket,HistoryDealGetInteger(ticket,DEAL_TIME_MSC));
     }
   total=HistoryOrdersTotal();
   for(int i=0; i<total; i++)
     {
      ulong ticket=HistoryOrderGetTicket(i);
      if(ticket>0)
         m_orders.Add(ticket,HistoryOrderGetInteger(ticket,ORDER_TIME_DONE_MSC));
     }
   m_dirty=false;
   m_scanned=GetTickCount64();
  }
//+------------------------------------------------------------------+
//| Write the oldest ones. One whose details the terminal does not   |
//| have yet is left for the next look: it must not hold up the rest |
//+------------------------------------------------------------------+
void CRubiDeals::Write(CRubiJsonWriter &writer,const bool with_orders)
  {
   if(m_dirty || GetTickCount64()-m_scanned>RUBI_HISTORY_MS)
      Scan();
   int written=0;
   while(written<m_deals.Count() && written<RUBI_DEALS_PER_SYNC)
     {
      if(WriteDeal(writer,m_deals.Ticket(written),written==0))
         written++;
      else
         m_deals.Skip(written);
     }
   if(written>0)
      writer.CloseList();
   m_deals.Fly(written);
   if(!with_orders)
      return;
   written=0;
   while(written<m_orders.Count() && written<RUBI_ORDERS_PER_SYNC)
     {
      if(WriteOrder(writer,m_orders.Ticket(written),written==0))
         written++;
      else
         m_orders.Skip(written);
     }
   if(written>0)
      writer.CloseList();
   m_orders.Fly(written);
  }
//+------------------------------------------------------------------+
//| One deal                                                         |
//+------------------------------------------------------------------+
bool CRubiDeals::WriteDeal(CRubiJsonWriter &writer,const ulong ticket,const bool first) const
  {
   if(!HistoryDealSelect(ticket))
      return(false);
   string type=EnumToString((ENUM_DEAL_TYPE)HistoryDealGetInteger(ticket,DEAL_TYPE));
   string way=EnumToString((ENUM_DEAL_ENTRY)HistoryDealGetInteger(ticket,DEAL_ENTRY));
   string reason=EnumToString((ENUM_DEAL_REASON)HistoryDealGetInteger(ticket,DEAL_REASON));
   type=RubiName(type,"DEAL_TYPE_");
   if(first)
      writer.OpenList("deals");
   writer.OpenObject("");
   writer.PutTicket("ticket",ticket);
   writer.PutTicket("order",(ulong)HistoryDealGetInteger(ticket,DEAL_ORDER));
   writer.PutTicket("position_id",(ulong)HistoryDealGetInteger(ticket,DEAL_POSITION_ID));
   writer.PutText("symbol",HistoryDealGetString(ticket,DEAL_SYMBOL));
   writer.PutText("type",RubiName(type,"DEAL_"));
   writer.PutText("entry",RubiName(way,"DEAL_ENTRY_"));
   writer.PutNumber("volume",HistoryDealGetDouble(ticket,DEAL_VOLUME));
   writer.PutNumber("price",HistoryDealGetDouble(ticket,DEAL_PRICE));
   writer.PutNumber("sl",HistoryDealGetDouble(ticket,DEAL_SL));
   writer.PutNumber("tp",HistoryDealGetDouble(ticket,DEAL_TP));
   writer.PutNumber("profit",HistoryDealGetDouble(ticket,DEAL_PROFIT));
   writer.PutNumber("swap",HistoryDealGetDouble(ticket,DEAL_SWAP));
   writer.PutNumber("commission",HistoryDealGetDouble(ticket,DEAL_COMMISSION));
   writer.PutNumber("fee",HistoryDealGetDouble(ticket,DEAL_FEE));
   writer.PutTicket("magic",(ulong)HistoryDealGetInteger(ticket,DEAL_MAGIC));
   writer.PutText("comment",HistoryDealGetString(ticket,DEAL_COMMENT));
   writer.PutText("reason",RubiName(reason,"DEAL_REASON_"));
   writer.PutLong("time_msc",HistoryDealGetInteger(ticket,DEAL_TIME_MSC));
   writer.CloseObject();
   return(true);
  }
//+------------------------------------------------------------------+
//| One order that left the book                                     |
//+------------------------------------------------------------------+
bool CRubiDeals::WriteOrder(CRubiJsonWriter &writer,const ulong ticket,const bool first) const
  {
   if(!HistoryOrderSelect(ticket))
      return(false);
   string type=EnumToString((ENUM_ORDER_TYPE)HistoryOrderGetInteger(ticket,ORDER_TYPE));
   string state=EnumToString((ENUM_ORDER_STATE)HistoryOrderGetInteger(ticket,ORDER_STATE));
   if(first)
      writer.OpenList("order_history");
   writer.OpenObject("");
   writer.PutTicket("ticket",ticket);
   writer.PutText("state",RubiName(state,"ORDER_STATE_"));
   writer.PutLong("time_done_msc",HistoryOrderGetInteger(ticket,ORDER_TIME_DONE_MSC));
   writer.PutTicket("position_id",(ulong)HistoryOrderGetInteger(ticket,ORDER_POSITION_ID));
   writer.PutText("symbol",HistoryOrderGetString(ticket,ORDER_SYMBOL));
   writer.PutText("type",RubiName(type,"ORDER_TYPE_"));
   writer.PutNumber("volume_initial",HistoryOrderGetDouble(ticket,ORDER_VOLUME_INITIAL));
   writer.PutNumber("volume_current",HistoryOrderGetDouble(ticket,ORDER_VOLUME_CURRENT));
   writer.PutTicket("magic",(ulong)HistoryOrderGetInteger(ticket,ORDER_MAGIC));
   writer.PutText("comment",HistoryOrderGetString(ticket,ORDER_COMMENT));
   writer.CloseObject();
   return(true);
  }
//+------------------------------------------------------------------+
//| The service has what was written last                            |
//+------------------------------------------------------------------+
void CRubiDeals::Acknowledged(void)
  {
   m_deals.Land();
   m_orders.Land();
  }
//+------------------------------------------------------------------+
//| What was written last will be written anew                       |
//+------------------------------------------------------------------+
void CRubiDeals::Dropped(void)
  {
   m_deals.Fly(0);
   m_orders.Fly(0);
  }
#endif
//+------------------------------------------------------------------+
