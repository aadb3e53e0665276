//+------------------------------------------------------------------+
//|                                                         Bars.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_BARS_MQH
#define RUBI_BARS_MQH
#include "JsonReader.mqh"
#include "Settings.mqh"
#include "Symbols.mqh"
#include "Timeframes.mqh"
//+------------------------------------------------------------------+
//| Class CRubiBars.                                                 |
//| Purpose: closed bars of the watched symbols in some timeframes,  |
//|          oldest first and without a hole: what an outage left out|
//|          is sent when it is over, from where the service has got |
//|          to. A row is one symbol in one timeframe.               |
//+------------------------------------------------------------------+
class CRubiBars
  {
private:
   bool              m_on;
   ENUM_TIMEFRAMES   m_frames[];
   int               m_frame_count;
   string            m_names[];        // as the watched symbols
   int               m_count;
   long              m_last[];         // newest bar the service has, by row, broker wall clock, 0 for none
   long              m_new[];          // the same once the body on its way is answered
   int               m_turn;
   int               m_written;

   void              Align(const CRubiSymbols &symbols);
   int               Missing(const string name,const ENUM_TIMEFRAMES frame,const long last,MqlRates &rates[]) const;
   void              WriteBar(CRubiJsonWriter &writer,const string name,const ENUM_TIMEFRAMES frame,const MqlRates &bar);
   void              WriteRow(CRubiJsonWriter &writer,const int row);

public:
                     CRubiBars(void);
   void              Configure(const CRubiSettings &settings);
   void              Reset(void);
   void              Resume(const CRubiJsonReader &reader,const int node,const CRubiSymbols &symbols);
   void              Write(CRubiJsonWriter &writer,const CRubiSymbols &symbols);
   void              Acknowledged(void);
   void              Dropped(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiBars::CRubiBars(void)
  {
   m_on=false;
   m_frame_count=0;
   m_count=0;
   m_turn=0;
   m_written=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiBars::Configure(const CRubiSettings &settings)
  {
   RubiReadTimeframes(settings.m_timeframes,m_frames);
   m_frame_count=ArraySize(m_frames);
   m_on=(settings.m_bars && m_frame_count>0);
   m_count=0;
   m_turn=0;
  }
//+------------------------------------------------------------------+
//| Another account: nothing of its bars is known                    |
//+------------------------------------------------------------------+
void CRubiBars::Reset(void)
  {
   for(int row=0; row<m_count*m_frame_count; row++)
     {
      m_last[row]=0;
      m_new[row]=0;
     }
  }
//+------------------------------------------------------------------+
//| A row for each timeframe of each symbol that is new              |
//+------------------------------------------------------------------+
void CRubiBars::Align(const CRubiSymbols &symbols)
  {
   int total=symbols.Count();
   if(total<=m_count)
      return;
   ArrayResize(m_names,total,64);
   ArrayResize(m_last,total*m_frame_count,256);
   ArrayResize(m_new,total*m_frame_count,256);
   for(int i=m_count; i<total; i++)
     {
      m_names[i]=symbols.Name(i);
      for(int k=0; k<m_frame_count; k++)
        {
         m_last[i*m_frame_count+k]=0;
         m_new[i*m_frame_count+k]=0;
        }
     }
   m_count=total;
  }
//+------------------------------------------------------------------+
//| Go on from where the service has got to: {symbol:{timeframe:time}}|
//+------------------------------------------------------------------+
void CRubiBars::Resume(const CRubiJsonReader &reader,const int node,const CRubiSymbols &symbols)
  {
   if(!m_on)
      return;
   Align(symbols);
//--- an older service does not say: what was acknowledged here still holds
   if(reader.Kind(node)!=RUBI_JSON_OBJECT)
      return;
   Reset();
   for(int child=reader.First(node); child>=0; child=reader.Next(child))
     {
      string name=reader.Key(child);
      for(int i=0; i<m_count; i++)
        {
         if(m_names[i]!=name)
            continue;
         for(int k=0; k<m_frame_count; k++)
           {
            long last=reader.LongOf(child,RubiTimeframeName(m_frames[k]));
            //--- a time to come is a wrong clock
            if(last>(long)TimeTradeServer())
               last=0;
            m_last[i*m_frame_count+k]=last;
            m_new[i*m_frame_count+k]=last;
           }
        }
     }
  }
//+------------------------------------------------------------------+
//| The closed bars after the last one; -1 or 0 for none             |
//+------------------------------------------------------------------+
int CRubiBars::Missing(const string name,const ENUM_TIMEFRAMES frame,const long last,MqlRates &rates[]) const
  {
   MqlRates newest[];
   long     seconds=(long)PeriodSeconds(frame);
//--- the bar after it is still growing, whatever the clock of the market does
   if(last>0 && (long)TimeTradeServer()<last+2*seconds)
      return(0);
   if(last<=0)
      return(CopyRates(name,frame,1,(seconds<3600) ? RUBI_MINUTES_FIRST : RUBI_BARS_FIRST,rates));
   if(CopyRates(name,frame,1,1,newest)!=1)
      return(0);
   long until=(long)newest[0].time;
   long from=last+1;
   if(until<from)
      return(0);
//--- after a very long silence only so far back
   if(until-from>seconds*RUBI_BARS_BACK)
      from=until-seconds*RUBI_BARS_BACK;
   return(CopyRates(name,frame,(datetime)from,(datetime)until,rates));
  }
//+------------------------------------------------------------------+
//| One bar                                                          |
//+------------------------------------------------------------------+
void CRubiBars::WriteBar(CRubiJsonWriter &writer,const string name,const ENUM_TIMEFRAMES frame,const MqlRates &bar)
  {
   if(m_written==0)
      writer.OpenList("bars");
   writer.OpenObject("");
   writer.PutText("symbol",name);
   writer.PutText("timeframe",RubiTimeframeName(frame));
   writer.PutLong("time",(long)bar.time);
   writer.PutNumber("open",bar.open);
   writer.PutNumber("high",bar.high);
   writer.PutNumber("low",bar.low);
   writer.PutNumber("close",bar.close);
   writer.PutLong("tick_volume",bar.tick_volume);
   writer.PutLong("spread",bar.spread);
   writer.PutLong("real_volume",bar.real_volume);
   writer.CloseObject();
   m_written++;
  }
//+------------------------------------------------------------------+
//| What a row lacks, oldest first, as far as the body has room      |
//+------------------------------------------------------------------+
void CRubiBars::WriteRow(CRubiJsonWriter &writer,const int row)
  {
   MqlRates        rates[];
   string          name=m_names[row/m_frame_count];
   ENUM_TIMEFRAMES frame=m_frames[row%m_frame_count];
   int             copied=Missing(name,frame,m_last[row],rates);
   for(int i=0; i<copied && m_written<RUBI_BARS_PER_SYNC; i++)
     {
      if((long)rates[i].time<=m_new[row])
         continue;
      WriteBar(writer,name,frame,rates[i]);
      m_new[row]=(long)rates[i].time;
     }
  }
//+------------------------------------------------------------------+
//| Bars of the rows, each cycle beginning elsewhere                 |
//+------------------------------------------------------------------+
void CRubiBars::Write(CRubiJsonWriter &writer,const CRubiSymbols &symbols)
  {
   m_written=0;
   Dropped();
   if(!m_on)
      return;
   Align(symbols);
   int rows=m_count*m_frame_count;
   int loaded=0;
   for(int i=0; i<rows && m_written<RUBI_BARS_PER_SYNC; i++)
     {
      m_turn=(m_turn+1)%rows;
      //--- the terminal fetches what it does not have, and may wait for it: one row at a time
      if(SeriesInfoInteger(m_names[m_turn/m_frame_count],m_frames[m_turn%m_frame_count],SERIES_SYNCHRONIZED)==0)
        {
         if(loaded>0)
            continue;
         loaded++;
        }
      WriteRow(writer,m_turn);
     }
   if(m_written>0)
      writer.CloseList();
  }
//+------------------------------------------------------------------+
//| The service has what was written last                            |
//+------------------------------------------------------------------+
void CRubiBars::Acknowledged(void)
  {
   for(int row=0; row<m_count*m_frame_count; row++)
      m_last[row]=m_new[row];
  }
//+------------------------------------------------------------------+
//| What was written last will be written anew                       |
//+------------------------------------------------------------------+
void CRubiBars::Dropped(void)
  {
   for(int row=0; row<m_count*m_frame_count; row++)
      m_new[row]=m_last[row];
  }
#endif
//+------------------------------------------------------------------+
