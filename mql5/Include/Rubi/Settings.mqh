//+------------------------------------------------------------------+
//|                                                     Settings.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_SETTINGS_MQH
#define RUBI_SETTINGS_MQH
#include "Defines.mqh"
#include "Text.mqh"
#include "Timeframes.mqh"
//+------------------------------------------------------------------+
//| Class CRubiSettings.                                             |
//| Purpose: the inputs, checked and brought into range.             |
//+------------------------------------------------------------------+
class CRubiSettings
  {
public:
   //--- the service
   string            m_url;
   string            m_token;
   string            m_secret;
   int               m_interval;
   int               m_timeout;
   int               m_wait;
   //--- limits of this terminal
   bool              m_trading;
   double            m_max_risk;
   int               m_max_positions;
   double            m_max_lot;
   int               m_max_per_minute;
   //--- habits of this terminal
   bool              m_demo_only;
   bool              m_dry_run;
   bool              m_need_stop;
   int               m_deviation;
   int               m_quote_age;
   ulong             m_magic;
   //--- data
   string            m_symbols;
   bool              m_ticks;
   bool              m_bars;
   string            m_timeframes;
   int               m_history_days;

                     CRubiSettings(void);
   void              Service(const string url,const string token,const string secret,
                             const int interval,const int timeout,const int wait);
   void              Limits(const bool trading,const double max_risk,const int max_positions,
                            const double max_lot,const int max_per_minute);
   void              Habits(const bool demo_only,const bool dry_run,const bool need_stop,
                            const int deviation,const int quote_age,const long magic);
   void              Data(const string symbols,const bool ticks,const bool bars,
                          const string timeframes,const int history_days);
   string            Fault(void) const;
   bool              Overheard(void) const;

private:
   int               Within(const int value,const int lowest,const int highest) const;
   bool              Printable(const string text) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiSettings::CRubiSettings(void)
  {
   m_url="";
   m_token="";
   m_secret="";
   m_interval=5000;
   m_timeout=RUBI_TIMEOUT_MAX_MS;
   m_wait=0;
   m_trading=false;
   m_max_risk=0.0;
   m_max_positions=0;
   m_max_lot=0.0;
   m_max_per_minute=0;
   m_demo_only=true;
   m_dry_run=false;
   m_need_stop=true;
   m_deviation=0;
   m_quote_age=0;
   m_magic=0;
   m_symbols="";
   m_ticks=false;
   m_bars=false;
   m_timeframes="";
   m_history_days=1;
  }
//+------------------------------------------------------------------+
//| Where the service is and how often it is asked                   |
//+------------------------------------------------------------------+
void CRubiSettings::Service(const string url,const string token,const string secret,
                            const int interval,const int timeout,const int wait)
  {
   m_url=url;
   StringTrimLeft(m_url);
   StringTrimRight(m_url);
   while(StringLen(m_url)>0 && StringGetCharacter(m_url,StringLen(m_url)-1)=='/')
      m_url=RubiCut(m_url,0,StringLen(m_url)-1);
   m_token=token;
   StringTrimLeft(m_token);
   StringTrimRight(m_token);
   m_secret=secret;
   m_interval=Within(interval,100,60000);
   m_timeout=Within(timeout,RUBI_TIMEOUT_MIN_MS,RUBI_TIMEOUT_MAX_MS);
   m_wait=Within(wait,0,RUBI_WAIT_MAX_MS);
  }
//+------------------------------------------------------------------+
//| What this terminal never passes, whatever the service says       |
//+------------------------------------------------------------------+
void CRubiSettings::Limits(const bool trading,const double max_risk,const int max_positions,
                           const double max_lot,const int max_per_minute)
  {
   m_trading=trading;
   m_max_risk=max_risk;
   m_max_positions=max_positions;
   m_max_lot=max_lot;
   m_max_per_minute=max_per_minute;
  }
//+------------------------------------------------------------------+
//| How this terminal trades                                         |
//+------------------------------------------------------------------+
void CRubiSettings::Habits(const bool demo_only,const bool dry_run,const bool need_stop,
                           const int deviation,const int quote_age,const long magic)
  {
   m_demo_only=demo_only;
   m_dry_run=dry_run;
   m_need_stop=need_stop;
   m_deviation=Within(deviation,0,10000);
   m_quote_age=Within(quote_age,1,86400);
   m_magic=(magic>0) ? (ulong)magic : 0;
  }
//+------------------------------------------------------------------+
//| What this terminal tells besides its account                     |
//+------------------------------------------------------------------+
void CRubiSettings::Data(const string symbols,const bool ticks,const bool bars,
                         const string timeframes,const int history_days)
  {
   m_symbols=symbols;
   m_ticks=ticks;
   m_bars=bars;
   m_timeframes=timeframes;
   m_history_days=Within(history_days,1,3650);
  }
//+------------------------------------------------------------------+
//| A number brought into its range                                  |
//+------------------------------------------------------------------+
int CRubiSettings::Within(const int value,const int lowest,const int highest) const
  {
   if(value<lowest)
      return(lowest);
   if(value>highest)
      return(highest);
   return(value);
  }
//+------------------------------------------------------------------+
//| Printable ASCII only: a line end in a token would be a header    |
//+------------------------------------------------------------------+
bool CRubiSettings::Printable(const string text) const
  {
   int size=StringLen(text);
   for(int i=0; i<size; i++)
     {
      ushort letter=StringGetCharacter(text,i);
      if(letter<=0x20 || letter>=0x7F)
         return(false);
     }
   return(true);
  }
//+------------------------------------------------------------------+
//| What is wrong with the inputs, empty when nothing is             |
//+------------------------------------------------------------------+
string CRubiSettings::Fault(void) const
  {
   bool plain=(StringFind(m_url,"http://")==0);
   bool safe=(StringFind(m_url,"https://")==0);
   if((!plain && !safe) || !Printable(m_url))
      return("BackendURL must begin with https:// (or http:// for a service on this machine), without spaces");
   if(m_token=="")
      return("APIToken is empty: make an EA token in the service and paste it here");
   if(!Printable(m_token))
      return("APIToken holds spaces or letters that no token has: copy it again, whole");
   if(m_max_risk<=0.0 || m_max_risk>100.0)
      return("MaxRiskPercent must be more than 0 and at most 100");
   if(m_max_positions<1)
      return("MaxOpenPositions must be at least 1");
   if(m_max_lot<=0.0)
      return("MaxLot must be more than 0");
   if(m_max_per_minute<1)
      return("MaxOrdersPerMinute must be at least 1");
   ENUM_TIMEFRAMES frames[];
   if(!RubiReadTimeframes(m_timeframes,frames))
      return("BarsTimeframes must be names out of M1, M5, M15, M30, H1, H4, D1, W1, MN1 with commas between");
   return("");
  }
//+------------------------------------------------------------------+
//| Does the token leave this machine in clear text                  |
//+------------------------------------------------------------------+
bool CRubiSettings::Overheard(void) const
  {
   if(StringFind(m_url,"http://")!=0)
      return(false);
   string host=StringSubstr(m_url,7);
   StringToLower(host);
   return(StringFind(host,"localhost")!=0 && StringFind(host,"127.")!=0 && StringFind(host,"[::1]")!=0);
  }
#endif
//+------------------------------------------------------------------+
