//+------------------------------------------------------------------+
//|                                                      Journal.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_JOURNAL_MQH
#define RUBI_JOURNAL_MQH
#include "JournalStore.mqh"
//+------------------------------------------------------------------+
//| Class CRubiJournal.                                              |
//| Purpose: the memory of every order that came to this terminal.   |
//|          Written before OrderSend and read at start: an order in |
//|          it is never sent again. It is also the outbox of acks   |
//|          and reports: they are what the service has not          |
//|          acknowledged, so a result and its report are one write. |
//+------------------------------------------------------------------+
class CRubiJournal : public CRubiJournalStore
  {
public:
   bool              Session(const string session_id);
   bool              Intent(const SRubiCommand &command,const long now,const long server);
   bool              Sending(const long order_id,const int attempt);
   bool              Result(const long order_id,const SRubiReport &report,const bool unsettled,const string at);
   bool              Refused(const long order_id,const string lease_id,const string code,const long now);
   bool              Acked(const long order_id,const string what);
   bool              Forget(const long order_id);
   void              Repeat(const long order_id,const string lease_id,const bool duplicate);
   void              Looked(const int index,const ulong tick);
   bool              Claimed(const ulong order_ticket,const ulong deal_ticket,const long except) const;
   int               WriteOpen(CRubiJsonWriter &writer) const;
   int               WriteAcks(CRubiJsonWriter &writer) const;
   int               WriteReports(CRubiJsonWriter &writer) const;
   int               Unacknowledged(void) const;
  };
//+------------------------------------------------------------------+
//| The session that orders come by from here on: it tells this      |
//| journal from a copy of it. True when it is on disk.              |
//+------------------------------------------------------------------+
bool CRubiJournal::Session(const string session_id)
  {
   CRubiJsonWriter writer;
   if(session_id==m_session)
      return(true);
   writer.OpenObject("");
   writer.PutText("event","SESSION");
   writer.PutText("session_id",session_id);
   writer.CloseObject();
   return(m_file.Append(writer.Text()) && Apply(writer.Text()));
  }
//+------------------------------------------------------------------+
//| "I am about to send this"; true when it is on disk               |
//+------------------------------------------------------------------+
bool CRubiJournal::Intent(const SRubiCommand &command,const long now,const long server)
  {
   CRubiJsonWriter writer;
   Begin(writer,"INTENT",command.order_id);
   RubiWriteIntent(writer,command,now,server);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| "OrderSend is the next call"; true when it is on disk            |
//+------------------------------------------------------------------+
bool CRubiJournal::Sending(const long order_id,const int attempt)
  {
   CRubiJsonWriter writer;
   Begin(writer,"SENDING",order_id);
   writer.PutLong("attempt",attempt);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| What came of it, as the next report of the order                 |
//+------------------------------------------------------------------+
bool CRubiJournal::Result(const long order_id,const SRubiReport &report,const bool unsettled,const string at)
  {
   CRubiJsonWriter writer;
   int             index=Find(order_id);
   int             n=1;
   if(index>=0)
      n=m_entries[index].n+1;
   Begin(writer,"RESULT",order_id);
   RubiWriteReport(writer,n,report,at);
   writer.PutFlag("unsettled",unsettled);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| "This will not be sent", for good                                |
//+------------------------------------------------------------------+
bool CRubiJournal::Refused(const long order_id,const string lease_id,const string code,const long now)
  {
   CRubiJsonWriter writer;
   Begin(writer,"REFUSED",order_id);
   writer.PutText("lease",lease_id);
   writer.PutText("code",code);
   writer.PutLong("at",now);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| The service has an ack ("INTENT", "REFUSED") or a report ("n2")  |
//+------------------------------------------------------------------+
bool CRubiJournal::Acked(const long order_id,const string what)
  {
   int index=Find(order_id);
   if(index<0)
      return(false);
   if(what=="DUPLICATE")
     {
      m_entries[index].duplicate=false;
      m_entries[index].ack_done=true;
      return(true);
     }
   CRubiJsonWriter writer;
   Begin(writer,"ACKED",order_id);
   writer.PutText("what",what);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| The order is final at the service: keep it, report nothing more  |
//+------------------------------------------------------------------+
bool CRubiJournal::Forget(const long order_id)
  {
   CRubiJsonWriter writer;
   Begin(writer,"FORGET",order_id);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| Report again what is known; as a duplicate when it came again    |
//+------------------------------------------------------------------+
void CRubiJournal::Repeat(const long order_id,const string lease_id,const bool duplicate)
  {
   int index=Find(order_id);
   if(index<0)
      return;
   m_entries[index].forgotten=false;
   if(m_entries[index].n>0)
      m_entries[index].acked_n=m_entries[index].n-1;
   if(m_entries[index].phase==RUBI_PHASE_REFUSED)
      m_entries[index].ack_done=false;
   else
      m_entries[index].duplicate=duplicate;
   if(lease_id!="")
      m_entries[index].lease_id=lease_id;
  }
//+------------------------------------------------------------------+
//| When an order was last looked for at the broker                  |
//+------------------------------------------------------------------+
void CRubiJournal::Looked(const int index,const ulong tick)
  {
   if(index>=0 && index<m_count)
      m_entries[index].looked=tick;
  }
//+------------------------------------------------------------------+
//| Does another order of ours own this ticket                       |
//+------------------------------------------------------------------+
bool CRubiJournal::Claimed(const ulong order_ticket,const ulong deal_ticket,const long except) const
  {
   for(int i=m_count-1; i>=0; i--)
     {
      if(m_entries[i].order_id==except)
         continue;
      if(order_ticket>0 && m_entries[i].report.order_ticket==order_ticket)
         return(true);
      if(deal_ticket>0 && m_entries[i].report.deal_ticket==deal_ticket)
         return(true);
     }
   return(false);
  }
//+------------------------------------------------------------------+
//| The orders whose end the service may not know, for connect       |
//+------------------------------------------------------------------+
int CRubiJournal::WriteOpen(CRubiJsonWriter &writer) const
  {
   int written=0;
   writer.OpenList("open");
   for(int i=0; i<m_count; i++)
     {
      if(m_entries[i].forgotten)
         continue;
      bool   told=(m_entries[i].ack_done && m_entries[i].acked_n>=m_entries[i].n);
      string phase="RESULT";
      if(m_entries[i].phase==RUBI_PHASE_INTENT || m_entries[i].phase==RUBI_PHASE_SENDING)
         phase="INTENT";
      else
         if(m_entries[i].phase==RUBI_PHASE_REFUSED)
            phase="REFUSED";
      if(phase!="INTENT" && told)
         continue;
      writer.OpenObject("");
      writer.PutLong("order_id",m_entries[i].order_id);
      writer.PutText("phase",phase);
      writer.PutText("intent_at",RubiIso(m_entries[i].intent_at*1000));
      writer.CloseObject();
      written++;
     }
   writer.CloseList();
   return(written);
  }
//+------------------------------------------------------------------+
//| The acks that the service has not acknowledged                   |
//+------------------------------------------------------------------+
int CRubiJournal::WriteAcks(CRubiJsonWriter &writer) const
  {
   int written=0;
   for(int i=0; i<m_count && written<100; i++)
     {
      if(m_entries[i].forgotten)
         continue;
      string outcome="";
      if(m_entries[i].duplicate)
         outcome="DUPLICATE";
      else
         if(!m_entries[i].ack_done)
           {
            outcome="INTENT";
            if(m_entries[i].phase==RUBI_PHASE_REFUSED)
               outcome="REFUSED";
           }
      if(outcome=="")
         continue;
      if(written==0)
         writer.OpenList("acks");
      writer.OpenObject("");
      writer.PutLong("order_id",m_entries[i].order_id);
      writer.PutTextOrNull("lease_id",m_entries[i].lease_id);
      writer.PutText("outcome",outcome);
      writer.PutTextOrNull("code",m_entries[i].code);
      writer.CloseObject();
      written++;
     }
   if(written>0)
      writer.CloseList();
   return(written);
  }
//+------------------------------------------------------------------+
//| The newest reports that the service has not acknowledged         |
//+------------------------------------------------------------------+
int CRubiJournal::WriteReports(CRubiJsonWriter &writer) const
  {
   int written=0;
   for(int i=0; i<m_count && written<100; i++)
     {
      if(m_entries[i].forgotten || m_entries[i].n<=m_entries[i].acked_n)
         continue;
      if(written==0)
         writer.OpenList("reports");
      writer.OpenObject("");
      writer.PutLong("order_id",m_entries[i].order_id);
      RubiWriteReport(writer,m_entries[i].n,m_entries[i].report,m_entries[i].report_at);
      writer.CloseObject();
      written++;
     }
   if(written>0)
      writer.CloseList();
   return(written);
  }
//+------------------------------------------------------------------+
//| Orders of which the service has not acknowledged something       |
//+------------------------------------------------------------------+
int CRubiJournal::Unacknowledged(void) const
  {
   int total=0;
   for(int i=0; i<m_count; i++)
     {
      if(m_entries[i].forgotten)
         continue;
      if(!m_entries[i].ack_done || m_entries[i].duplicate || m_entries[i].n>m_entries[i].acked_n)
         total++;
     }
   return(total);
  }
#endif
//+------------------------------------------------------------------+
