//+------------------------------------------------------------------+
//|                                                        Clock.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_CLOCK_MQH
#define RUBI_CLOCK_MQH
#include "Text.mqh"
//--- length of a window of the clock, milliseconds
#define RUBI_CLOCK_WINDOW_MS     600000
//+------------------------------------------------------------------+
//| Class CRubiClock.                                                |
//| Purpose: the service's clock seen from here. Deadlines are the   |
//|          service's, a PC's own clock may be minutes wrong.       |
//|          A replayed answer carries an old time, so the largest   |
//|          offset of the last two windows counts.                  |
//+------------------------------------------------------------------+
class CRubiClock
  {
private:
   bool              m_known;
   long              m_before;
   long              m_current;
   ulong             m_window;
   long              m_stamp;

public:
                     CRubiClock(void);
   void              Reset(void);
   void              Learn(const string server_time);
   long              NowMs(void) const;
   long              NowSeconds(void) const;
   long              Stamp(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiClock::CRubiClock(void)
  {
   m_known=false;
   m_before=0;
   m_current=0;
   m_window=0;
   m_stamp=0;
  }
//+------------------------------------------------------------------+
//| Forget what was learned                                          |
//+------------------------------------------------------------------+
void CRubiClock::Reset(void)
  {
   m_known=false;
   m_stamp=0;
  }
//+------------------------------------------------------------------+
//| Learn from the server_time of an answer                          |
//+------------------------------------------------------------------+
void CRubiClock::Learn(const string server_time)
  {
   long stamp=RubiFromIso(server_time);
   if(stamp<=0)
      return;
   ulong now=GetTickCount64();
   long  offset=stamp-(long)now;
   if(!m_known)
     {
      m_known=true;
      m_before=offset;
      m_current=offset;
      m_window=now;
      return;
     }
   if(now-m_window>RUBI_CLOCK_WINDOW_MS)
     {
      m_before=m_current;
      m_current=offset;
      m_window=now;
      return;
     }
   if(offset>m_current)
      m_current=offset;
  }
//+------------------------------------------------------------------+
//| Unix milliseconds, UTC                                           |
//+------------------------------------------------------------------+
long CRubiClock::NowMs(void) const
  {
   if(!m_known)
      return((long)TimeGMT()*1000);
   long offset=m_before;
   if(m_current>offset)
      offset=m_current;
   return(offset+(long)GetTickCount64());
  }
//+------------------------------------------------------------------+
//| Unix seconds, UTC                                                |
//+------------------------------------------------------------------+
long CRubiClock::NowSeconds(void) const
  {
   return(NowMs()/1000);
  }
//+------------------------------------------------------------------+
//| Unix milliseconds that always rise                               |
//+------------------------------------------------------------------+
long CRubiClock::Stamp(void)
  {
   long now=NowMs();
   if(now<=m_stamp)
      now=m_stamp+1;
   m_stamp=now;
   return(now);
  }
#endif
//+------------------------------------------------------------------+
