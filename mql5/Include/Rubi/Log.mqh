//+------------------------------------------------------------------+
//|                                                          Log.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_LOG_MQH
#define RUBI_LOG_MQH
//+------------------------------------------------------------------+
//| How much is written to the Experts tab                           |
//+------------------------------------------------------------------+
enum ENUM_RUBI_LOG
  {
   RUBI_LOG_ERROR,         // errors only
   RUBI_LOG_INFO,          // errors and events
   RUBI_LOG_DEBUG          // every cycle
  };
//+------------------------------------------------------------------+
//| Class CRubiLog.                                                  |
//| Purpose: lines in the Experts tab; the same line at most once a  |
//|          minute. Nobody passes a token or a secret to it.        |
//+------------------------------------------------------------------+
class CRubiLog
  {
private:
   ENUM_RUBI_LOG     m_level;
   string            m_last;
   ulong             m_last_tick;

   void              Write(const string text);

public:
                     CRubiLog(void);
   void              Level(const ENUM_RUBI_LOG level);
   void              Error(const string text);
   void              Info(const string text);
   void              Debug(const string text);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiLog::CRubiLog(void)
  {
   m_level=RUBI_LOG_INFO;
   m_last="";
   m_last_tick=0;
  }
//+------------------------------------------------------------------+
//| Set how much is written                                          |
//+------------------------------------------------------------------+
void CRubiLog::Level(const ENUM_RUBI_LOG level)
  {
   m_level=level;
  }
//+------------------------------------------------------------------+
//| Write a line unless it has just been written                     |
//+------------------------------------------------------------------+
void CRubiLog::Write(const string text)
  {
   ulong now=GetTickCount64();
   if(text==m_last && now-m_last_tick<60000)
      return;
   m_last=text;
   m_last_tick=now;
   Print("Rubi: "+text);
  }
//+------------------------------------------------------------------+
//| Something that needs a person                                    |
//+------------------------------------------------------------------+
void CRubiLog::Error(const string text)
  {
   Write("ERROR "+text);
  }
//+------------------------------------------------------------------+
//| Something that happened                                          |
//+------------------------------------------------------------------+
void CRubiLog::Info(const string text)
  {
   if(m_level>=RUBI_LOG_INFO)
      Write(text);
  }
//+------------------------------------------------------------------+
//| Something for the person who looks for a fault                   |
//+------------------------------------------------------------------+
void CRubiLog::Debug(const string text)
  {
   if(m_level>=RUBI_LOG_DEBUG)
      Write(text);
  }
//--- the one log of the program
CRubiLog ExtLog;
#endif
//+------------------------------------------------------------------+
