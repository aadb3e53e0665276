//+------------------------------------------------------------------+
//|                                                 JournalStore.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_JOURNAL_STORE_MQH
#define RUBI_JOURNAL_STORE_MQH
#include "JournalEntry.mqh"
#include "Lines.mqh"
//+------------------------------------------------------------------+
//| Class CRubiJournalStore.                                         |
//| Purpose: the journal's file and its entries in memory. What is   |
//|          in memory is what the file says, by one reading.        |
//+------------------------------------------------------------------+
class CRubiJournalStore
  {
protected:
   CRubiLines        m_file;
   SRubiEntry        m_entries[];
   int               m_count;
   bool              m_trusted;
   long              m_doubt_at;       // when lines were found damaged, unix seconds, 0 for never
   string            m_session;        // the session that was had last, empty for none

                     CRubiJournalStore(void);
   int               AddEntry(const long order_id);
   void              Begin(CRubiJsonWriter &writer,const string event,const long order_id) const;
   bool              Commit(CRubiJsonWriter &writer);
   bool              Apply(const string line);
   void              Doubt(string &lines[],const int unread,const long now);
   void              Compact(const string &lines[],const long now);

public:
   bool              Open(const string folder,const long now);
   void              Close(void);
   bool              Ready(void) const;
   bool              Trusted(const SRubiEntry &entry) const;
   bool              Proves(const long now) const;
   string            LastSession(void) const;
   int               Count(void) const;
   int               Find(const long order_id) const;
   bool              Get(const int index,SRubiEntry &entry) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiJournalStore::CRubiJournalStore(void)
  {
   m_count=0;
   m_trusted=false;
   m_doubt_at=0;
   m_session="";
  }
//+------------------------------------------------------------------+
//| Open the journal of an account and read all of it                |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Open(const string folder,const long now)
  {
   string lines[];
   m_count=0;
   m_doubt_at=0;
   m_session="";
   m_trusted=true;
   ArrayResize(m_entries,0,1024);
   if(!m_file.Open(folder+"/journal.log",lines))
      return(false);
   int total=ArraySize(lines);
   int unread=0;
   for(int i=0; i<total; i++)
     {
      if(!Apply(lines[i]))
         unread++;
     }
   if(m_file.Damaged()>0 || unread>0)
      Doubt(lines,unread,now);
   if(m_file.Size()>RUBI_COMPACT_BYTES)
      Compact(lines,now);
   return(m_file.IsOpen());
  }
//+------------------------------------------------------------------+
//| A missing line could be the one that says "sending": the orders up|
//| to here are in doubt for good, those that come later are not     |
//+------------------------------------------------------------------+
void CRubiJournalStore::Doubt(string &lines[],const int unread,const long now)
  {
   CRubiJsonWriter writer;
   int             count=ArraySize(lines);
   ExtLog.Info(StringFormat("journal: %d lines were not whole, %d not understood; open orders are checked at the broker",
                            m_file.Damaged(),unread));
   writer.OpenObject("");
   writer.PutText("event","DOUBT");
   writer.PutLong("at",now);
   writer.CloseObject();
   ArrayResize(lines,count+1);
   lines[count]=writer.Text();
   Apply(lines[count]);
   m_trusted=m_file.Replace(lines);
  }
//+------------------------------------------------------------------+
//| Close the file                                                   |
//+------------------------------------------------------------------+
void CRubiJournalStore::Close(void)
  {
   m_file.Close();
  }
//+------------------------------------------------------------------+
//| Can it be written to                                             |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Ready(void) const
  {
   return(m_file.IsOpen());
  }
//+------------------------------------------------------------------+
//| Is all there that was written of an order, so that a missing line|
//| proves something                                                 |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Trusted(const SRubiEntry &entry) const
  {
   return(m_trusted && !entry.doubtful);
  }
//+------------------------------------------------------------------+
//| Does it prove anything that an order is not in the journal. A day|
//| after a loss the deals of the lost orders have been told.        |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Proves(const long now) const
  {
   return(m_trusted && (m_doubt_at==0 || now-m_doubt_at>RUBI_DAY_SECONDS));
  }
//+------------------------------------------------------------------+
//| The session that was had last, empty when none is on disk        |
//+------------------------------------------------------------------+
string CRubiJournalStore::LastSession(void) const
  {
   return(m_session);
  }
//+------------------------------------------------------------------+
//| Orders known                                                     |
//+------------------------------------------------------------------+
int CRubiJournalStore::Count(void) const
  {
   return(m_count);
  }
//+------------------------------------------------------------------+
//| Index of an order, -1 when it never came here                    |
//+------------------------------------------------------------------+
int CRubiJournalStore::Find(const long order_id) const
  {
   for(int i=m_count-1; i>=0; i--)
     {
      if(m_entries[i].order_id==order_id)
         return(i);
     }
   return(-1);
  }
//+------------------------------------------------------------------+
//| A copy of an entry                                               |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Get(const int index,SRubiEntry &entry) const
  {
   if(index<0 || index>=m_count)
      return(false);
   entry=m_entries[index];
   return(true);
  }
//+------------------------------------------------------------------+
//| A place for an order                                             |
//+------------------------------------------------------------------+
int CRubiJournalStore::AddEntry(const long order_id)
  {
   int index=Find(order_id);
   if(index>=0)
      return(index);
   index=m_count;
   ArrayResize(m_entries,m_count+1,1024);
   m_count++;
   RubiEntryClear(m_entries[index],order_id);
   return(index);
  }
//+------------------------------------------------------------------+
//| Begin a record                                                   |
//+------------------------------------------------------------------+
void CRubiJournalStore::Begin(CRubiJsonWriter &writer,const string event,const long order_id) const
  {
   writer.Reset();
   writer.OpenObject("");
   writer.PutText("event",event);
   writer.PutLong("id",order_id);
  }
//+------------------------------------------------------------------+
//| Flush a record, then let it count; the memory is what the file   |
//| says, by the same reading                                        |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Commit(CRubiJsonWriter &writer)
  {
   writer.CloseObject();
   string line=writer.Text();
   bool   durable=m_file.Append(line);
   if(!durable)
      m_trusted=false;
   if(!Apply(line))
      return(false);
   return(durable);
  }
//+------------------------------------------------------------------+
//| Let one record count                                             |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Apply(const string line)
  {
   CRubiJsonReader reader;
   if(!reader.Parse(line))
      return(false);
   int    root=reader.Root();
   string event=reader.TextOf(root,"event");
   long   order_id=reader.LongOf(root,"id");
   if(event=="DOUBT")
     {
      m_doubt_at=reader.LongOf(root,"at");
      for(int k=0; k<m_count; k++)
         m_entries[k].doubtful=true;
      return(true);
     }
   if(event=="SESSION")
     {
      m_session=reader.TextOf(root,"session_id");
      return(true);
     }
   if(order_id<=0)
      return(false);
   int i=AddEntry(order_id);
   if(event=="INTENT")
      RubiReadIntent(reader,root,m_entries[i]);
   else
      if(event=="SENDING")
        {
         m_entries[i].phase=RUBI_PHASE_SENDING;
         m_entries[i].attempts=(int)reader.LongOf(root,"attempt");
        }
      else
         if(event=="RESULT")
           {
            RubiReadReport(reader,root,m_entries[i]);
            m_entries[i].forgotten=false;
           }
         else
            if(event=="REFUSED")
              {
               m_entries[i].phase=RUBI_PHASE_REFUSED;
               m_entries[i].lease_id=reader.TextOf(root,"lease");
               m_entries[i].code=reader.TextOf(root,"code");
               m_entries[i].intent_at=reader.LongOf(root,"at");
               m_entries[i].ack_done=false;
              }
            else
               if(event=="ACKED")
                 {
                  string what=reader.TextOf(root,"what");
                  if(StringFind(what,"n")==0)
                    {
                     int n=(int)StringToInteger(StringSubstr(what,1));
                     if(n>m_entries[i].acked_n)
                        m_entries[i].acked_n=n;
                    }
                  else
                     m_entries[i].ack_done=true;
                 }
               else
                  if(event=="FORGET")
                     m_entries[i].forgotten=true;
                  else
                     return(false);
   return(true);
  }
//+------------------------------------------------------------------+
//| Keep the lines of young and of unfinished orders, and the last   |
//| session                                                          |
//+------------------------------------------------------------------+
void CRubiJournalStore::Compact(const string &lines[],const long now)
  {
   CRubiJsonReader reader;
   string          kept[];
   int             count=0;
   int             total=ArraySize(lines);
   for(int i=0; i<total; i++)
     {
      if(!reader.Parse(lines[i]))
         continue;
      int index=Find(reader.LongOf(reader.Root(),"id"));
      if(index<0)
        {
         string event=reader.TextOf(reader.Root(),"event");
         bool doubt=(event=="DOUBT" && reader.LongOf(reader.Root(),"at")>=now-RUBI_KEEP_SECONDS);
         bool last=(event=="SESSION" && reader.TextOf(reader.Root(),"session_id")==m_session);
         if(!doubt && !last)
            continue;
         ArrayResize(kept,count+1,1024);
         kept[count]=lines[i];
         count++;
         continue;
        }
      bool told=(m_entries[index].forgotten || (m_entries[index].ack_done && m_entries[index].acked_n>=m_entries[index].n));
      bool ended=(m_entries[index].phase==RUBI_PHASE_RESULT || m_entries[index].phase==RUBI_PHASE_REFUSED);
      if(told && ended && m_entries[index].intent_at<now-RUBI_KEEP_SECONDS)
         continue;
      ArrayResize(kept,count+1,1024);
      kept[count]=lines[i];
      count++;
     }
   if(count<total && m_file.Replace(kept))
      ExtLog.Info(StringFormat("journal: %d of %d lines kept, the others are older than 30 days",count,total));
  }
#endif
//+------------------------------------------------------------------+
