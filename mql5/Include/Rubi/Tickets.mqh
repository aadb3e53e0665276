//+------------------------------------------------------------------+
//|                                                      Tickets.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_TICKETS_MQH
#define RUBI_TICKETS_MQH
//+------------------------------------------------------------------+
//| Class CRubiTickets.                                              |
//| Purpose: a queue of tickets of history: what waits (oldest       |
//|          first), what is on its way, what was ever seen.          |
//+------------------------------------------------------------------+
class CRubiTickets
  {
private:
   ulong             m_queue[];
   long              m_times[];
   int               m_count;
   ulong             m_known[];
   int               m_known_count;
   int               m_flying;

   int               Place(const ulong ticket) const;

public:
                     CRubiTickets(void);
   void              Reset(void);
   void              Add(const ulong ticket,const long time_msc);
   int               Count(void) const;
   ulong             Ticket(const int index) const;
   void              Skip(const int index);
   void              Fly(const int count);
   void              Land(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiTickets::CRubiTickets(void)
  {
   m_count=0;
   m_known_count=0;
   m_flying=0;
  }
//+------------------------------------------------------------------+
//| Forget everything                                                |
//+------------------------------------------------------------------+
void CRubiTickets::Reset(void)
  {
   m_count=0;
   m_known_count=0;
   m_flying=0;
  }
//+------------------------------------------------------------------+
//| Where a ticket is or would be among those that were seen         |
//+------------------------------------------------------------------+
int CRubiTickets::Place(const ulong ticket) const
  {
   int low=0;
   int high=m_known_count;
   while(low<high)
     {
      int middle=(low+high)/2;
      if(m_known[middle]<ticket)
         low=middle+1;
      else
         high=middle;
     }
   return(low);
  }
//+------------------------------------------------------------------+
//| Queue a ticket that was not seen before                          |
//+------------------------------------------------------------------+
void CRubiTickets::Add(const ulong ticket,const long time_msc)
  {
   int place=Place(ticket);
   if(place<m_known_count && m_known[place]==ticket)
      return;
   ArrayResize(m_known,m_known_count+1,4096);
   for(int k=m_known_count; k>place; k--)
      m_known[k]=m_known[k-1];
   m_known[place]=ticket;
   m_known_count++;
   ArrayResize(m_queue,m_count+1,1024);
   ArrayResize(m_times,m_count+1,1024);
   int at=m_count;
//--- what flies keeps its place
   while(at>m_flying && (m_times[at-1]>time_msc || (m_times[at-1]==time_msc && m_queue[at-1]>ticket)))
     {
      m_queue[at]=m_queue[at-1];
      m_times[at]=m_times[at-1];
      at--;
     }
   m_queue[at]=ticket;
   m_times[at]=time_msc;
   m_count++;
  }
//+------------------------------------------------------------------+
//| Tickets that wait or fly                                         |
//+------------------------------------------------------------------+
int CRubiTickets::Count(void) const
  {
   return(m_count);
  }
//+------------------------------------------------------------------+
//| A ticket of the queue                                            |
//+------------------------------------------------------------------+
ulong CRubiTickets::Ticket(const int index) const
  {
   return(m_queue[index]);
  }
//+------------------------------------------------------------------+
//| Forget a ticket, so that a later look at history finds it anew   |
//+------------------------------------------------------------------+
void CRubiTickets::Skip(const int index)
  {
   int place=Place(m_queue[index]);
   for(int k=place+1; k<m_known_count; k++)
      m_known[k-1]=m_known[k];
   m_known_count--;
   for(int i=index+1; i<m_count; i++)
     {
      m_queue[i-1]=m_queue[i];
      m_times[i-1]=m_times[i];
     }
   m_count--;
  }
//+------------------------------------------------------------------+
//| The first ones are on their way                                  |
//+------------------------------------------------------------------+
void CRubiTickets::Fly(const int count)
  {
   m_flying=count;
  }
//+------------------------------------------------------------------+
//| The service has what was on its way                              |
//+------------------------------------------------------------------+
void CRubiTickets::Land(void)
  {
   for(int i=m_flying; i<m_count; i++)
     {
      m_queue[i-m_flying]=m_queue[i];
      m_times[i-m_flying]=m_times[i];
     }
   m_count-=m_flying;
   m_flying=0;
  }
#endif
//+------------------------------------------------------------------+
