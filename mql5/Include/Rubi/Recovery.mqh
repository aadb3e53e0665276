//+------------------------------------------------------------------+
//|                                                     Recovery.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_RECOVERY_MQH
#define RUBI_RECOVERY_MQH
#include "Account.mqh"
#include "Clock.mqh"
#include "Journal.mqh"
#include "Log.mqh"
#include "Rules.mqh"
//+------------------------------------------------------------------+
//| Class CRubiRecovery.                                             |
//| Purpose: looks at the broker for orders whose end is not known:  |
//|          in the book, in history, among positions. Silence is    |
//|          believed only when connected, and only after a while.   |
//+------------------------------------------------------------------+
class CRubiRecovery
  {
private:
   ulong             m_bound;

   bool              Ours(const SRubiEntry &entry,const string comment,const long magic,const bool same) const;
   bool              InBook(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const;
   bool              InHistory(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const;
   bool              InPositions(const SRubiEntry &entry,SRubiReport &report) const;
   bool              Fills(const SRubiEntry &entry,const ulong order,SRubiReport &report) const;
   bool              Opened(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const;
   bool              Closed(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const;
   bool              Changed(const SRubiEntry &entry,SRubiReport &report) const;
   bool              Gone(const SRubiEntry &entry,SRubiReport &report) const;
   bool              Incomplete(const SRubiEntry &entry) const;
   bool              Found(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const;

public:
                     CRubiRecovery(void);
   void              Bind(void);
   void              Look(CRubiJournal &journal,const CRubiClock &clock);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiRecovery::CRubiRecovery(void)
  {
   m_bound=0;
  }
//+------------------------------------------------------------------+
//| An account was opened now                                        |
//+------------------------------------------------------------------+
void CRubiRecovery::Bind(void)
  {
   m_bound=GetTickCount64();
  }
//+------------------------------------------------------------------+
//| Look for every order whose end is not known                      |
//+------------------------------------------------------------------+
void CRubiRecovery::Look(CRubiJournal &journal,const CRubiClock &clock)
  {
   ulong now=GetTickCount64();
   int   total=journal.Count();
   if(!CRubiAccount::Connected())
     {
      //--- history of before the break may come late: begin the wait again
      m_bound=now;
      return;
     }
   for(int i=total-1; i>=0; i--)
     {
      SRubiEntry entry;
      if(!journal.Get(i,entry) || entry.forgotten)
         continue;
      bool open=(entry.phase==RUBI_PHASE_INTENT || entry.phase==RUBI_PHASE_SENDING);
      bool thin=Incomplete(entry);
      if(!open && !entry.unsettled && !thin)
         continue;
      long age=clock.NowSeconds()-entry.intent_at;
      if(!open && age>RUBI_DAY_SECONDS)
         continue;
      if(entry.looked>0 && now-entry.looked<(ulong)(age<120 ? 1000 : 10000))
         continue;
      journal.Looked(i,now);
      SRubiReport report;
      RubiReportClear(report,"RECOVERED");
      string at=RubiIso(clock.NowMs());
      bool found=Found(entry,journal,report);
      //--- what was placed is complete with its deal only
      if(thin && (entry.kind=="OPEN" ? report.deal_ticket==0 : report.order_ticket==0))
         continue;
      if(found)
        {
         ExtLog.Info(StringFormat("order %I64d found at the broker: retcode %u, order %I64u, deal %I64u",entry.order_id,
                                  report.retcode,report.order_ticket,report.deal_ticket));
         journal.Result(entry.order_id,report,false,at);
         continue;
        }
      if(now-m_bound<RUBI_GRACE_MS)
         continue;
      if(entry.phase==RUBI_PHASE_INTENT && journal.Trusted(entry))
        {
         RubiReportClear(report,"NEVER_SENT");
         report.message="the journal has no SENDING and the broker has no trace";
         journal.Result(entry.order_id,report,false,at);
         continue;
        }
      if(open || (entry.report.outcome=="RESULT" && age*1000>RUBI_UNSETTLED_MS))
        {
         RubiReportClear(report,"AMBIGUOUS");
         report.retcode=entry.report.retcode;
         report.message="sent or about to be sent; the broker shows nothing of it";
         ExtLog.Error(StringFormat("order %I64d is ambiguous: check the account",entry.order_id));
         journal.Result(entry.order_id,report,true,at);
        }
     }
  }
//+------------------------------------------------------------------+
//| Was it accepted without the ticket that says what became of it   |
//+------------------------------------------------------------------+
bool CRubiRecovery::Incomplete(const SRubiEntry &entry) const
  {
   if(entry.phase!=RUBI_PHASE_RESULT || entry.unsettled || entry.report.outcome!="RESULT")
      return(false);
   if(entry.report.retcode<TRADE_RETCODE_PLACED || entry.report.retcode>TRADE_RETCODE_DONE_PARTIAL)
      return(false);
   if(entry.kind=="OPEN")
      return(entry.report.deal_ticket==0);
   return(entry.kind=="PLACE_PENDING" && entry.report.order_ticket==0);
  }
//+------------------------------------------------------------------+
//| Is the order's effect at the broker                              |
//+------------------------------------------------------------------+
bool CRubiRecovery::Found(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const
  {
   if(entry.kind=="OPEN" || entry.kind=="PLACE_PENDING")
      return(Opened(entry,journal,report));
   if(entry.kind=="CANCEL_PENDING")
      return(Gone(entry,report));
   if(entry.kind=="MODIFY_POSITION" || entry.kind=="MODIFY_PENDING")
      return(Changed(entry,report));
   return(Closed(entry,journal,report));
  }
//+------------------------------------------------------------------+
//| Does a record at the broker belong to the order. The comment is  |
//| a helper, because brokers rewrite it; then all else must fit.    |
//+------------------------------------------------------------------+
bool CRubiRecovery::Ours(const SRubiEntry &entry,const string comment,const long magic,const bool same) const
  {
   if(entry.comment!="" && StringFind(comment,entry.comment)==0)
     {
      //--- RS-B is not RS-BA
      int size=StringLen(entry.comment);
      if(StringLen(comment)==size)
         return(true);
      ushort next=StringGetCharacter(comment,size);
      if(!((next>='A' && next<='Z') || (next>='2' && next<='7')))
         return(true);
     }
   if(StringFind(comment,"RS-")==0 || magic!=(long)entry.magic || magic==0)
      return(false);
   return(same);
  }
//+------------------------------------------------------------------+
//| A market or pending order: book, then history, then positions    |
//+------------------------------------------------------------------+
bool CRubiRecovery::Opened(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const
  {
   if(InHistory(entry,journal,report))
      return(true);
   if(InBook(entry,journal,report))
      return(true);
   return(InPositions(entry,report));
  }
//+------------------------------------------------------------------+
//| Among the working orders                                         |
//+------------------------------------------------------------------+
bool CRubiRecovery::InBook(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const
  {
   int total=OrdersTotal();
   for(int i=0; i<total; i++)
     {
      ulong ticket=OrderGetTicket(i);
      if(ticket==0 || OrderGetString(ORDER_SYMBOL)!=entry.symbol || journal.Claimed(ticket,0,entry.order_id))
         continue;
      bool buy=CRubiRules::BuySide((ENUM_ORDER_TYPE)OrderGetInteger(ORDER_TYPE));
      bool same=(buy==(entry.side=="BUY") && MathAbs(OrderGetDouble(ORDER_VOLUME_INITIAL)-entry.volume)<0.00000001
                 && OrderGetInteger(ORDER_TIME_SETUP)>=entry.intent_server-1);
      if(!Ours(entry,OrderGetString(ORDER_COMMENT),OrderGetInteger(ORDER_MAGIC),same))
         continue;
      report.retcode=TRADE_RETCODE_PLACED;
      report.order_ticket=ticket;
      report.volume=OrderGetDouble(ORDER_VOLUME_INITIAL);
      report.message="working at the broker";
      return(true);
     }
   return(false);
  }
//+------------------------------------------------------------------+
//| Among the orders of history                                      |
//+------------------------------------------------------------------+
bool CRubiRecovery::InHistory(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const
  {
   ulong found=0;
   if(!HistorySelect((datetime)(entry.intent_server-RUBI_DAY_SECONDS),(datetime)((long)TimeTradeServer()+RUBI_DAY_SECONDS)))
      return(false);
   int total=HistoryOrdersTotal();
   for(int i=total-1; i>=0; i--)
     {
      ulong ticket=HistoryOrderGetTicket(i);
      if(ticket==0 || HistoryOrderGetString(ticket,ORDER_SYMBOL)!=entry.symbol || journal.Claimed(ticket,0,entry.order_id))
         continue;
      //--- a closing deal of a position may carry its comment
      long done=HistoryOrderGetInteger(ticket,ORDER_TIME_SETUP);
      bool buy=CRubiRules::BuySide((ENUM_ORDER_TYPE)HistoryOrderGetInteger(ticket,ORDER_TYPE));
      if(done<entry.intent_server-1 || buy!=(entry.side=="BUY"))
         continue;
      bool same=(MathAbs(HistoryOrderGetDouble(ticket,ORDER_VOLUME_INITIAL)-entry.volume)<0.00000001);
      if(!Ours(entry,HistoryOrderGetString(ticket,ORDER_COMMENT),HistoryOrderGetInteger(ticket,ORDER_MAGIC),same))
         continue;
      found=ticket;
      break;
     }
   if(found==0)
      return(false);
   ENUM_ORDER_STATE state=(ENUM_ORDER_STATE)HistoryOrderGetInteger(found,ORDER_STATE);
   report.order_ticket=found;
   report.message="in history as "+RubiName(EnumToString(state),"ORDER_STATE_");
   if(Fills(entry,found,report))
      return(true);
   if(entry.kind=="PLACE_PENDING")
      report.retcode=TRADE_RETCODE_PLACED;
   else
      if(state==ORDER_STATE_REJECTED)
         report.retcode=TRADE_RETCODE_REJECT;
      else
         if(state==ORDER_STATE_CANCELED || state==ORDER_STATE_EXPIRED)
            report.retcode=TRADE_RETCODE_CANCEL;
         else
            report.retcode=TRADE_RETCODE_PLACED;
   return(true);
  }
//+------------------------------------------------------------------+
//| The deals of an order, in the history that is selected           |
//+------------------------------------------------------------------+
bool CRubiRecovery::Fills(const SRubiEntry &entry,const ulong order,SRubiReport &report) const
  {
   double money=0.0;
   int    total=HistoryDealsTotal();
   for(int i=0; i<total; i++)
     {
      ulong deal=HistoryDealGetTicket(i);
      if(deal==0 || HistoryDealGetInteger(deal,DEAL_ORDER)!=(long)order)
         continue;
      double volume=HistoryDealGetDouble(deal,DEAL_VOLUME);
      report.deal_ticket=deal;
      report.position_id=HistoryDealGetInteger(deal,DEAL_POSITION_ID);
      report.volume+=volume;
      money+=volume*HistoryDealGetDouble(deal,DEAL_PRICE);
     }
   if(report.volume<=0.0)
      return(false);
   report.price=money/report.volume;
   report.retcode=TRADE_RETCODE_DONE;
   if(entry.volume>0.0 && report.volume<entry.volume-0.00000001)
      report.retcode=TRADE_RETCODE_DONE_PARTIAL;
   return(true);
  }
//+------------------------------------------------------------------+
//| Among the positions, when history has not come yet               |
//+------------------------------------------------------------------+
bool CRubiRecovery::InPositions(const SRubiEntry &entry,SRubiReport &report) const
  {
   int total=PositionsTotal();
   for(int i=0; i<total; i++)
     {
      ulong ticket=PositionGetTicket(i);
      if(ticket==0 || PositionGetString(POSITION_SYMBOL)!=entry.symbol)
         continue;
      if(PositionGetInteger(POSITION_TIME)<entry.intent_server-1)
         continue;
      bool buy=((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_BUY);
      if(buy!=(entry.side=="BUY") || !Ours(entry,PositionGetString(POSITION_COMMENT),PositionGetInteger(POSITION_MAGIC),false))
         continue;
      report.retcode=TRADE_RETCODE_DONE;
      report.position_id=PositionGetInteger(POSITION_IDENTIFIER);
      report.price=PositionGetDouble(POSITION_PRICE_OPEN);
      report.volume=PositionGetDouble(POSITION_VOLUME);
      report.message="a position at the broker";
      return(true);
     }
   return(false);
  }
//+------------------------------------------------------------------+
//| A close: a deal of ours out of the position since the intent     |
//+------------------------------------------------------------------+
bool CRubiRecovery::Closed(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const
  {
   if(entry.kind=="CLOSE_ALL")
     {
      int total=PositionsTotal();
      for(int i=0; i<total; i++)
        {
         ulong ticket=PositionGetTicket(i);
         if(ticket>0 && CRubiRules::Meant(entry.symbol,entry.side))
            return(false);
        }
      report.retcode=TRADE_RETCODE_DONE;
      report.message="no position is left";
      return(true);
     }
   if(entry.position_ticket==0 || !HistorySelectByPosition((long)entry.position_ticket))
      return(false);
   double money=0.0;
   int    total=HistoryDealsTotal();
   for(int i=0; i<total; i++)
     {
      ulong deal=HistoryDealGetTicket(i);
      if(deal==0 || HistoryDealGetInteger(deal,DEAL_TIME)<entry.intent_server-1)
         continue;
      ENUM_DEAL_ENTRY way=(ENUM_DEAL_ENTRY)HistoryDealGetInteger(deal,DEAL_ENTRY);
      if(way==DEAL_ENTRY_IN || (ENUM_DEAL_REASON)HistoryDealGetInteger(deal,DEAL_REASON)!=DEAL_REASON_EXPERT)
         continue;
      if(!Ours(entry,HistoryDealGetString(deal,DEAL_COMMENT),HistoryDealGetInteger(deal,DEAL_MAGIC),true))
         continue;
      //--- another close of the same position, whose comment the broker rewrote as well
      if(journal.Claimed((ulong)HistoryDealGetInteger(deal,DEAL_ORDER),deal,entry.order_id))
         continue;
      double volume=HistoryDealGetDouble(deal,DEAL_VOLUME);
      report.deal_ticket=deal;
      report.order_ticket=(ulong)HistoryDealGetInteger(deal,DEAL_ORDER);
      report.position_id=(long)entry.position_ticket;
      report.volume+=volume;
      money+=volume*HistoryDealGetDouble(deal,DEAL_PRICE);
     }
   if(report.volume<=0.0)
      return(false);
   report.price=money/report.volume;
   report.retcode=TRADE_RETCODE_DONE;
   if(report.volume<entry.volume-0.00000001)
      report.retcode=TRADE_RETCODE_DONE_PARTIAL;
   report.message="closed at the broker";
   return(true);
  }
//+------------------------------------------------------------------+
//| A change: are the stops (and the price) what was asked           |
//+------------------------------------------------------------------+
bool CRubiRecovery::Changed(const SRubiEntry &entry,SRubiReport &report) const
  {
   double slack=SymbolInfoDouble(entry.symbol,SYMBOL_POINT)/2.0;
   double sl=0.0;
   double tp=0.0;
   if(entry.kind=="MODIFY_PENDING")
     {
      if(!OrderSelect(entry.order_ticket) || MathAbs(OrderGetDouble(ORDER_PRICE_OPEN)-entry.price)>slack)
         return(false);
      sl=OrderGetDouble(ORDER_SL);
      tp=OrderGetDouble(ORDER_TP);
     }
   else
     {
      if(!PositionSelectByTicket(entry.position_ticket))
         return(false);
      sl=PositionGetDouble(POSITION_SL);
      tp=PositionGetDouble(POSITION_TP);
     }
   report.retcode=TRADE_RETCODE_DONE;
   report.order_ticket=entry.order_ticket;
   report.message="as asked at the broker";
   return(MathAbs(sl-entry.sl)<=slack && MathAbs(tp-entry.tp)<=slack);
  }
//+------------------------------------------------------------------+
//| A cancel: is the order cancelled                                 |
//+------------------------------------------------------------------+
bool CRubiRecovery::Gone(const SRubiEntry &entry,SRubiReport &report) const
  {
   if(OrderSelect(entry.order_ticket) || !HistoryOrderSelect(entry.order_ticket))
      return(false);
   if((ENUM_ORDER_STATE)HistoryOrderGetInteger(entry.order_ticket,ORDER_STATE)!=ORDER_STATE_CANCELED)
      return(false);
   report.retcode=TRADE_RETCODE_DONE;
   report.order_ticket=entry.order_ticket;
   report.message="cancelled at the broker";
   return(true);
  }
#endif
//+------------------------------------------------------------------+
