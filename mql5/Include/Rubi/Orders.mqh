//+------------------------------------------------------------------+
//|                                                       Orders.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_ORDERS_MQH
#define RUBI_ORDERS_MQH
#include "BuilderChanges.mqh"
#include "Clock.mqh"
#include "Journal.mqh"
#include "Log.mqh"
#include "Retcodes.mqh"
//+------------------------------------------------------------------+
//| Class CRubiOrders.                                               |
//| Purpose: carries commands out, each at most once: deadline and   |
//|          guards, INTENT on disk, OrderCheck, SENDING on disk,    |
//|          OrderSend, RESULT on disk.                              |
//+------------------------------------------------------------------+
class CRubiOrders
  {
private:
   CRubiBuilder      m_builder;
   string            m_account;
   bool              m_dry_run;
   int               m_executed;

   bool              Late(const SRubiCommand &command,const CRubiClock &clock) const;
   void              Refuse(const SRubiCommand &command,const string code,CRubiJournal &journal,const CRubiClock &clock);
   void              Query(const SRubiCommand &command,CRubiJournal &journal,const CRubiClock &clock);
   bool              Check(const SRubiCommand &command,MqlTradeRequest &request,SRubiReport &report) const;
   string            Rehearsed(const SRubiCommand &command,MqlTradeRequest &request) const;
   bool              Again(const SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   void              Read(const MqlTradeResult &result,const int error,SRubiReport &report) const;
   ENUM_RUBI_VERDICT Attempt(const SRubiCommand &command,MqlTradeRequest &request,int &attempt,
                             CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock,SRubiReport &report);
   void              Send(SRubiCommand &command,MqlTradeRequest &request,
                          CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock);
   void              CloseAll(SRubiCommand &command,CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock);

public:
                     CRubiOrders(void);
   void              Configure(const CRubiSettings &settings);
   void              Bind(const string account);
   void              Handle(SRubiCommand &command,CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock);
   void              Revoke(const long order_id,CRubiJournal &journal,const CRubiClock &clock);
   int               Executed(void) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiOrders::CRubiOrders(void)
  {
   m_account="";
   m_dry_run=true;
   m_executed=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiOrders::Configure(const CRubiSettings &settings)
  {
   m_builder.Configure(settings);
   m_dry_run=settings.m_dry_run;
  }
//+------------------------------------------------------------------+
//| The account that the commands are for                            |
//+------------------------------------------------------------------+
void CRubiOrders::Bind(const string account)
  {
   m_account=account;
  }
//+------------------------------------------------------------------+
//| Orders that OrderSend accepted since the start                   |
//+------------------------------------------------------------------+
int CRubiOrders::Executed(void) const
  {
   return(m_executed);
  }
//+------------------------------------------------------------------+
//| Has a deadline of the command passed, or the account changed     |
//+------------------------------------------------------------------+
bool CRubiOrders::Late(const SRubiCommand &command,const CRubiClock &clock) const
  {
   long now=clock.NowMs();
   if(CRubiAccount::Key()!=m_account)
      return(true);
   return((command.not_after>0 && now>command.not_after*1000) || (command.lease_expires>0 && now>=command.lease_expires*1000));
  }
//+------------------------------------------------------------------+
//| Refuse for good; nothing was sent                                |
//+------------------------------------------------------------------+
void CRubiOrders::Refuse(const SRubiCommand &command,const string code,CRubiJournal &journal,const CRubiClock &clock)
  {
   journal.Refused(command.order_id,command.lease_id,code,clock.NowSeconds());
   ExtLog.Info(StringFormat("order %I64d %s %s refused: %s",command.order_id,command.kind,command.symbol,code));
  }
//+------------------------------------------------------------------+
//| An order was cancelled before it came or before it was sent      |
//+------------------------------------------------------------------+
void CRubiOrders::Revoke(const long order_id,CRubiJournal &journal,const CRubiClock &clock)
  {
   if(order_id<=0 || journal.Find(order_id)>=0)
      return;
   journal.Refused(order_id,"","REVOKED",clock.NowSeconds());
   ExtLog.Info(StringFormat("order %I64d revoked",order_id));
  }
//+------------------------------------------------------------------+
//| Tell what is known of an order. "Nothing" is kept too: from then |
//| on the order is never sent                                       |
//+------------------------------------------------------------------+
void CRubiOrders::Query(const SRubiCommand &command,CRubiJournal &journal,const CRubiClock &clock)
  {
   if(journal.Find(command.order_id)>=0)
     {
      journal.Repeat(command.order_id,"",false);
      return;
     }
   SRubiReport report;
   if(journal.Proves(clock.NowSeconds()))
      RubiReportClear(report,"NO_RECORD");
   else
     {
      RubiReportClear(report,"AMBIGUOUS");
      report.message="lines of the journal are damaged, so its silence proves nothing";
     }
   journal.Result(command.order_id,report,false,RubiIso(clock.NowMs()));
  }
//+------------------------------------------------------------------+
//| Work on one command                                              |
//+------------------------------------------------------------------+
void CRubiOrders::Handle(SRubiCommand &command,CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock)
  {
   bool genuine=RubiCommandGenuine(command);
   if(command.kind=="QUERY")
     {
      if(genuine)
         Query(command,journal,clock);
      return;
     }
   if(journal.Find(command.order_id)>=0)
     {
      journal.Repeat(command.order_id,command.lease_id,true);
      ExtLog.Info(StringFormat("order %I64d came again, not sent again",command.order_id));
      return;
     }
   if(!genuine)
     {
      Refuse(command,"SHA_MISMATCH",journal,clock);
      return;
     }
   if(command.not_after>0 && clock.NowMs()>command.not_after*1000)
     {
      Refuse(command,"NOT_AFTER_PASSED",journal,clock);
      return;
     }
   if(Late(command,clock))
     {
      //--- the lease is over: the service hands it out again, perhaps elsewhere
      ExtLog.Info(StringFormat("order %I64d left alone, its lease is over",command.order_id));
      return;
     }
   MqlTradeRequest request;
   ZeroMemory(request);
   string code=guard.Allows(command);
   if(code=="" && command.kind!="CLOSE_ALL")
      code=m_builder.Build(command,guard,request);
   if(code=="" && m_dry_run)
      code=Rehearsed(command,request);
   if(code!="")
     {
      Refuse(command,code,journal,clock);
      return;
     }
   if(!journal.Intent(command,clock.NowSeconds(),(long)TimeCurrent()))
     {
      Refuse(command,"JOURNAL_FAILED",journal,clock);
      return;
     }
   if(command.kind=="CLOSE_ALL")
      CloseAll(command,journal,guard,clock);
   else
      Send(command,request,journal,guard,clock);
  }
//+------------------------------------------------------------------+
//| OrderCheck; a close is sent even when the check says no, because |
//| only the broker may refuse a close                               |
//+------------------------------------------------------------------+
bool CRubiOrders::Check(const SRubiCommand &command,MqlTradeRequest &request,SRubiReport &report) const
  {
   if(request.action!=TRADE_ACTION_DEAL && request.action!=TRADE_ACTION_PENDING)
      return(true);
   MqlTradeCheckResult check;
   ZeroMemory(check);
   ResetLastError();
   if(OrderCheck(request,check))
      return(true);
   int error=GetLastError();
   if(RubiReduces(command.kind) || check.retcode==TRADE_RETCODE_INVALID_FILL)
     {
      ExtLog.Info(StringFormat("order %I64d: OrderCheck says %u %s, sent all the same",command.order_id,check.retcode,check.comment));
      return(true);
     }
   report.retcode=check.retcode;
   report.message=StringFormat("OrderCheck: %s, error %d",check.comment,error);
   if(check.retcode==0)
      report.outcome="NEVER_SENT";
   return(false);
  }
//+------------------------------------------------------------------+
//| What a dry run answers: would the broker have taken it           |
//+------------------------------------------------------------------+
string CRubiOrders::Rehearsed(const SRubiCommand &command,MqlTradeRequest &request) const
  {
   SRubiReport report;
   RubiReportClear(report,"");
   if(command.kind=="CLOSE_ALL" || Check(command,request,report))
      return("DRY_RUN");
   ExtLog.Info(StringFormat("order %I64d: %u %s",command.order_id,report.retcode,report.message));
   return("DRY_RUN_CHECK_FAILED");
  }
//+------------------------------------------------------------------+
//| Make a request ready for another attempt                         |
//+------------------------------------------------------------------+
bool CRubiOrders::Again(const SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
//--- with all guards: the price, or what it is about, may have changed
   SRubiCommand reread=command;
   return(m_builder.Build(reread,guard,request)=="");
  }
//+------------------------------------------------------------------+
//| What OrderSend left behind; a deal or an order may come later    |
//+------------------------------------------------------------------+
void CRubiOrders::Read(const MqlTradeResult &result,const int error,SRubiReport &report) const
  {
   report.retcode=result.retcode;
   report.order_ticket=result.order;
   report.deal_ticket=result.deal;
   report.price=result.price;
   report.volume=result.volume;
   report.message=result.comment;
   if(result.retcode==0)
     {
      //--- 4752: the terminal did not even try; others leave it open
      if(error==4752)
         report.retcode=4752;
      report.message=StringFormat("OrderSend gave no retcode, error %d",error);
     }
   if(result.deal>0 && HistoryDealSelect(result.deal))
      report.position_id=HistoryDealGetInteger(result.deal,DEAL_POSITION_ID);
  }
//+------------------------------------------------------------------+
//| OrderSend until it is done, refused, unknown or too late         |
//+------------------------------------------------------------------+
ENUM_RUBI_VERDICT CRubiOrders::Attempt(const SRubiCommand &command,MqlTradeRequest &request,int &attempt,
                                       CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock,SRubiReport &report)
  {
   ENUM_ORDER_TYPE_FILLING modes[];
   MqlTradeResult          result;
   int                     fillings=CRubiRules::Fillings(request.symbol,command.filling,modes);
   int                     filling=0;
   int                     reprices=0;
   int                     waits=0;
   while(true)
     {
      attempt++;
      if(!journal.Sending(command.order_id,attempt))
        {
         if(attempt==1)
           {
            report.outcome="NEVER_SENT";
            report.message="the journal could not be written";
           }
         return(RUBI_VERDICT_REJECTED);
        }
      if(!RubiReduces(command.kind))
         guard.Sent();
      ZeroMemory(result);
      ResetLastError();
      bool sent=OrderSend(request,result);
      int  error=GetLastError();
      Read(result,error,report);
      ENUM_RUBI_VERDICT verdict=RubiVerdict(report.retcode);
      //--- whatever the retcode says, a deal is a deal
      if(report.deal_ticket>0 && verdict!=RUBI_VERDICT_DONE)
         return(RUBI_VERDICT_UNKNOWN);
      ExtLog.Info(StringFormat("order %I64d %s %s: %s, retcode %u, order %I64u, deal %I64u %s",command.order_id,command.kind,
                               request.symbol,sent ? "accepted" : "not accepted",report.retcode,report.order_ticket,
                               report.deal_ticket,report.message));
      if(verdict==RUBI_VERDICT_REPRICE && reprices<RUBI_PRICE_RETRIES)
         reprices++;
      else
         if(verdict==RUBI_VERDICT_WAIT && waits<RUBI_WAIT_RETRIES)
           {
            waits++;
            Sleep(RUBI_RETRY_SLEEP_MS*waits);
           }
         else
            if(verdict==RUBI_VERDICT_FILLING && request.action==TRADE_ACTION_DEAL && filling+1<fillings)
               filling++;
            else
               return(verdict);
      if(Late(command,clock) || !Again(command,guard,request))
         return(RUBI_VERDICT_REJECTED);
      if(request.action==TRADE_ACTION_DEAL)
         request.type_filling=modes[filling];
     }
   return(RUBI_VERDICT_REJECTED);
  }
//+------------------------------------------------------------------+
//| One request from INTENT to RESULT                                |
//+------------------------------------------------------------------+
void CRubiOrders::Send(SRubiCommand &command,MqlTradeRequest &request,
                       CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock)
  {
   SRubiReport report;
   bool        unknown=false;
   RubiReportClear(report,"RESULT");
   if(Check(command,request,report))
     {
      int               attempt=0;
      ENUM_RUBI_VERDICT verdict=Attempt(command,request,attempt,journal,guard,clock,report);
      unknown=(verdict==RUBI_VERDICT_UNKNOWN);
      if(verdict==RUBI_VERDICT_DONE)
         m_executed++;
      //--- what is not known counts as there
      if(command.kind=="OPEN" && verdict!=RUBI_VERDICT_REJECTED)
         guard.Added(1);
      //--- a part that is left still takes its place
      if((command.kind=="CLOSE_POSITION" || command.kind=="CLOSE_BY") && report.retcode==TRADE_RETCODE_DONE)
         guard.Added(-1);
     }
   journal.Result(command.order_id,report,unknown,RubiIso(clock.NowMs()));
  }
//+------------------------------------------------------------------+
//| Close every position of a symbol and side, empty for any; one    |
//| report                                                           |
//+------------------------------------------------------------------+
void CRubiOrders::CloseAll(SRubiCommand &command,CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock)
  {
   SRubiReport report,last;
   ulong       tickets[];
   int         count=m_builder.Oldest(command.symbol,command.side,tickets);
   int         closed=0;
   int         attempt=0;
   bool        unknown=false;
   string      failed="";
   RubiReportClear(report,"RESULT");
   for(int i=0; i<count; i++)
     {
      MqlTradeRequest request;
      SRubiCommand    one=command;
      one.kind="CLOSE_POSITION";
      one.symbol="";
      one.expect_volume=0.0;
      one.position_ticket=tickets[i];
      ZeroMemory(request);
      RubiReportClear(last,"RESULT");
      last.message=m_builder.Build(one,guard,request);
      ENUM_RUBI_VERDICT verdict=RUBI_VERDICT_REJECTED;
      if(last.message=="")
         verdict=Attempt(one,request,attempt,journal,guard,clock,last);
      if(verdict==RUBI_VERDICT_DONE)
        {
         closed++;
         m_executed++;
         if(last.retcode==TRADE_RETCODE_DONE)
            guard.Added(-1);
         report.volume+=last.volume;
         continue;
        }
      if(verdict==RUBI_VERDICT_UNKNOWN || (!unknown && failed==""))
        {
         report.retcode=last.retcode;
         report.order_ticket=last.order_ticket;
         failed=StringFormat(", position %I64u: %u %s",tickets[i],last.retcode,last.message);
        }
      unknown=(unknown || verdict==RUBI_VERDICT_UNKNOWN);
     }
//--- what stays unknown speaks for all, then what was closed, then the first refusal
   if(count==0)
      report.retcode=TRADE_RETCODE_NO_CHANGES;
   else
      if(closed==count)
         report.retcode=TRADE_RETCODE_DONE;
      else
         if(closed>0 && !unknown)
            report.retcode=TRADE_RETCODE_DONE_PARTIAL;
         else
            if(attempt==0)
               report.outcome="NEVER_SENT";
   report.message=StringFormat("closed %d of %d%s",closed,count,failed);
   journal.Result(command.order_id,report,unknown,RubiIso(clock.NowMs()));
  }
#endif
//+------------------------------------------------------------------+
