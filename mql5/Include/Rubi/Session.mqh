//+------------------------------------------------------------------+
//|                                                      Session.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_SESSION_MQH
#define RUBI_SESSION_MQH
#include "Desk.mqh"
//+------------------------------------------------------------------+
//| Class CRubiSession.                                              |
//| Purpose: what is said to the service and what its answers do.    |
//|          The body of a sync is kept until it is answered, so     |
//|          that a lost answer is asked for with the same bytes.    |
//+------------------------------------------------------------------+
class CRubiSession : public CRubiDesk
  {
protected:
   string            m_session;
   long              m_epoch;
   long              m_seq;
   string            m_body;           // unacknowledged, empty for none
   int               m_body_wait;
   int               m_strip;          // 0 all, 1 without market data, 2 the least
   int               m_suspects;       // oldest signals that are to go one at a time
   bool              m_cleared;        // the least without signals was taken
   bool              m_probe;          // the body is the least and one suspect
   bool              m_books_fit;
   long              m_poll;
   string            m_trading_state;
   bool              m_worked;         // the last answer brought work

                     CRubiSession(void);
   void              EndSession(void);
   string            ConnectBody(void);
   bool              TakeConnect(const string answer);
   void              Compose(const int wait);
   void              Discard(const bool refused);
   bool              TakeSync(const string answer);

private:
   void              Write(CRubiJsonWriter &writer,const int wait,const bool books);
   int               SignalLimit(void) const;
   void              TellBooks(const bool fit);
   void              TakeAcks(const CRubiJsonReader &reader,const int root);
   void              TakeSignalAcks(const CRubiJsonReader &reader,const int list);
   void              TakeNeeds(const CRubiJsonReader &reader,const int list,const long cursor);
   void              TakeCommands(const CRubiJsonReader &reader,const int root);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiSession::CRubiSession(void)
  {
   m_session="";
   m_epoch=0;
   m_seq=0;
   m_body="";
   m_body_wait=0;
   m_strip=0;
   m_suspects=0;
   m_cleared=false;
   m_probe=false;
   m_books_fit=true;
   m_poll=0;
   m_trading_state="";
   m_worked=false;
  }
//+------------------------------------------------------------------+
//| Forget the session; what it did not deliver is kept elsewhere    |
//+------------------------------------------------------------------+
void CRubiSession::EndSession(void)
  {
   m_session="";
   m_epoch=0;
   m_seq=0;
   m_body="";
   m_trading_state="";
   m_worked=false;
   m_deals.Dropped();
  }
//+------------------------------------------------------------------+
//| The body of connect                                              |
//+------------------------------------------------------------------+
string CRubiSession::ConnectBody(void)
  {
   CRubiJsonWriter writer;
   m_symbols.Refresh();
   writer.OpenObject("");
   CRubiAccount::WriteIdentity(writer);
   writer.PutLong("protocol",RUBI_PROTOCOL);
   writer.PutText("terminal_instance_id",m_instance.Id());
   writer.PutText("ea_version",RUBI_VERSION);
   CRubiAccount::WriteTime(writer,m_market.Newest(m_symbols));
   writer.PutTextOrNull("last_session_id",m_journal.LastSession());
   writer.OpenObject("journal");
   m_journal.WriteOpen(writer);
   writer.CloseObject();
   writer.PutText("symbols_hash",m_symbols.Hash());
   writer.CloseObject();
   return(writer.Text());
  }
//+------------------------------------------------------------------+
//| The answer of connect; false when it is none                     |
//+------------------------------------------------------------------+
bool CRubiSession::TakeConnect(const string answer)
  {
   CRubiJsonReader reader;
   if(!reader.Parse(answer))
      return(false);
   int    root=reader.Root();
   string session=reader.TextOf(root,"session_id");
   long   epoch=reader.LongOf(root,"epoch");
   if(session=="" || epoch<=0)
      return(false);
   EndSession();
   m_session=session;
   m_epoch=epoch;
   m_strip=0;
   m_suspects=0;
   m_clock.Reset();
   m_clock.Learn(reader.TextOf(root,"server_time"));
   m_trading_state=reader.TextOf(root,"trading_state");
   m_poll=reader.LongOf(reader.Find(root,"poll"),"idle_ms");
   m_guard.TakeLimits(reader,reader.Find(root,"limits"));
   int cursor=reader.Find(reader.Find(root,"resume"),"deal_cursor");
   m_deals.Resume(reader.LongOf(cursor,"time_msc"));
   m_bars.Resume(reader,reader.Find(reader.Find(root,"resume"),"bars"),m_symbols);
   TakeNeeds(reader,reader.Find(root,"need"),0);
   int actions=reader.Find(root,"journal_actions");
   for(int node=reader.First(actions); node>=0; node=reader.Next(node))
     {
      long   order_id=reader.LongOf(node,"order_id");
      string action=reader.TextOf(node,"action");
      if(action=="FORGET" && m_journal.Find(order_id)>=0)
         m_journal.Forget(order_id);
      if(action=="REPORT")
         m_journal.Repeat(order_id,"",false);
     }
   return(true);
  }
//+------------------------------------------------------------------+
//| Make the next body; it is kept until it is answered. The session |
//| is on disk before its first one; on a full disk as soon as it can|
//+------------------------------------------------------------------+
void CRubiSession::Compose(const int wait)
  {
   m_journal.Session(m_session);
   m_seq++;
   m_body_wait=wait;
   m_probe=(m_strip>=2 && m_cleared && m_suspects>0);
   bool books=true;
   while(true)
     {
      CRubiJsonWriter writer;
      Write(writer,wait,books);
      m_body=writer.Text();
      if(m_strip>=2 || RubiByteSize(m_body)<RUBI_BODY_BYTES)
         break;
      if(!books)
         break;
      m_deals.Dropped();
      if(m_strip<1)
         m_strip++;
      else
         books=false;
     }
   if(m_strip<2)
      TellBooks(books);
  }
//+------------------------------------------------------------------+
//| The lists are told whole or not at all: say so when they are not |
//+------------------------------------------------------------------+
void CRubiSession::TellBooks(const bool fit)
  {
   if(!fit && m_books_fit)
      ExtLog.Error(StringFormat("%d positions and %d orders do not fit into one message of %d bytes: the service does not see them",
                                PositionsTotal(),OrdersTotal(),RUBI_BODY_BYTES));
   m_books_fit=fit;
  }
//+------------------------------------------------------------------+
//| How many signals the body may hold                               |
//+------------------------------------------------------------------+
int CRubiSession::SignalLimit(void) const
  {
   if(m_strip<2)
      return(RUBI_SIGNALS_PER_SYNC);
   return(m_probe ? 1 : 0);
  }
//+------------------------------------------------------------------+
//| The service processed nothing of the body: make another. What it |
//| refuses is looked for: first without signals, then one at a time |
//+------------------------------------------------------------------+
void CRubiSession::Discard(const bool refused)
  {
   m_body="";
   m_seq--;
   m_deals.Dropped();
   if(m_probe)
     {
      if(refused)
         m_outbox.SetAside(0,"the service cannot read it");
      m_suspects=refused ? m_suspects-1 : 0;
      m_probe=false;
      return;
     }
   m_cleared=false;
   if(m_strip<2)
      m_strip++;
   if(m_strip>=2)
      m_suspects=m_outbox.Count();
  }
//+------------------------------------------------------------------+
//| Everything of one cycle                                          |
//+------------------------------------------------------------------+
void CRubiSession::Write(CRubiJsonWriter &writer,const int wait,const bool books)
  {
   bool connected=CRubiAccount::Connected();
   writer.OpenObject("");
   writer.PutText("session_id",m_session);
   writer.PutLong("epoch",m_epoch);
   writer.PutLong("seq",m_seq);
   CRubiAccount::WriteTime(writer,m_market.Newest(m_symbols));
   CRubiAccount::WriteFlags(writer);
   CRubiAccount::WriteMoney(writer);
   m_journal.WriteAcks(writer);
   m_journal.WriteReports(writer);
//--- without a connection the lists are not known
   if(connected && books && m_strip<2)
     {
      string taken_at=RubiIso(m_clock.Stamp());
      writer.PutText("taken_at",taken_at);
      m_positions.WritePositions(writer);
      m_positions.WriteOrders(writer);
     }
   if(connected && m_strip<2)
      m_deals.Write(writer,m_strip<1);
   int signals=m_outbox.Write(writer,SignalLimit());
   if(m_strip<1)
     {
      if(connected)
         m_market.WriteQuotes(writer,m_outbox,signals);
      m_symbols.Write(writer);
      m_market.WriteTicks(writer,m_symbols);
      m_bars.Write(writer,m_symbols);
     }
   writer.PutLong("wait_ms",wait);
   writer.CloseObject();
  }
//+------------------------------------------------------------------+
//| The answer of sync; false when it is not the one to this body    |
//+------------------------------------------------------------------+
bool CRubiSession::TakeSync(const string answer)
  {
   CRubiJsonReader reader;
   if(!reader.Parse(answer))
      return(false);
   int root=reader.Root();
   if(reader.LongOf(root,"seq_ack")!=m_seq || reader.LongOf(root,"epoch")!=m_epoch)
      return(false);
   m_body="";
   m_worked=false;
   m_clock.Learn(reader.TextOf(root,"server_time"));
   m_trading_state=reader.TextOf(root,"trading_state");
   m_poll=reader.LongOf(root,"next_poll_ms");
   m_deals.Acknowledged();
   m_symbols.Acknowledged();
   m_market.Acknowledged();
   m_bars.Acknowledged();
   TakeAcks(reader,root);
   if(m_probe)
      m_suspects--;
   else
      if(m_strip>=2)
         m_cleared=true;
   m_probe=false;
   if(m_suspects>m_outbox.Count())
      m_suspects=m_outbox.Count();
   m_guard.TakeLimits(reader,reader.Find(root,"limits"));
   long cursor=reader.LongOf(reader.Find(root,"deal_cursor"),"time_msc");
   m_deals.Advance(cursor);
   TakeNeeds(reader,reader.Find(root,"need"),cursor);
   TakeCommands(reader,root);
   return(true);
  }
//+------------------------------------------------------------------+
//| What the service has now                                         |
//+------------------------------------------------------------------+
void CRubiSession::TakeAcks(const CRubiJsonReader &reader,const int root)
  {
   int list=reader.Find(root,"ack_acks");
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      string text=reader.Text(node);
      int    mark=StringFind(text,":");
      if(mark>0)
         m_journal.Acked(StringToInteger(RubiCut(text,0,mark)),StringSubstr(text,mark+1));
     }
   list=reader.Find(root,"report_acks");
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      string text=reader.Text(node);
      int    mark=StringFind(text,":");
      if(mark>0)
         m_journal.Acked(StringToInteger(RubiCut(text,0,mark)),"n"+StringSubstr(text,mark+1));
     }
   TakeSignalAcks(reader,reader.Find(root,"signal_acks"));
  }
//+------------------------------------------------------------------+
//| Signals that need not be sent again                              |
//+------------------------------------------------------------------+
void CRubiSession::TakeSignalAcks(const CRubiJsonReader &reader,const int list)
  {
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      string key=reader.TextOf(node,"key");
      string status=reader.TextOf(node,"status");
      if(!m_outbox.Remove(key))
         continue;
      if(status=="INVALID")
         ExtLog.Error("signal "+key+" was not accepted: "+reader.TextOf(node,"code"));
      else
         ExtLog.Info("signal "+key+" delivered as "+reader.TextOf(node,"id")+", "+status);
     }
  }
//+------------------------------------------------------------------+
//| What the service asks for                                        |
//+------------------------------------------------------------------+
void CRubiSession::TakeNeeds(const CRubiJsonReader &reader,const int list,const long cursor)
  {
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      string what=reader.Text(node);
      if(what=="symbols")
         m_symbols.Need();
      if(what=="deals" && cursor>0)
         m_deals.Resume(cursor);
     }
  }
//+------------------------------------------------------------------+
//| Orders taken back, then orders given                             |
//+------------------------------------------------------------------+
void CRubiSession::TakeCommands(const CRubiJsonReader &reader,const int root)
  {
   int list=reader.Find(root,"revoke");
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      m_orders.Revoke(reader.Long(node),m_journal,m_clock);
      m_worked=true;
     }
   list=reader.Find(root,"commands");
   m_guard.Batch();
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      SRubiCommand command;
      m_worked=true;
      //--- while the call was away another may have taken over, or the
      //--- trader may have logged in elsewhere: its orders are not for there
      if(!m_instance.Beat() || CRubiAccount::Key()!=m_account)
         return;
      if(RubiReadCommand(reader,node,command))
         m_orders.Handle(command,m_journal,m_guard,m_clock);
     }
  }
#endif
//+------------------------------------------------------------------+
