//+------------------------------------------------------------------+
//|                                                   Timeframes.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_TIMEFRAMES_MQH
#define RUBI_TIMEFRAMES_MQH
#include "Text.mqh"
//+------------------------------------------------------------------+
//| A timeframe's name on the wire: M1, H1, D1                       |
//+------------------------------------------------------------------+
string RubiTimeframeName(const ENUM_TIMEFRAMES frame)
  {
   return(RubiName(EnumToString(frame),"PERIOD_"));
  }
//+------------------------------------------------------------------+
//| The timeframes that the service keeps, shortest first            |
//+------------------------------------------------------------------+
int RubiTimeframes(ENUM_TIMEFRAMES &frames[])
  {
   ArrayResize(frames,9);
   frames[0]=PERIOD_M1;
   frames[1]=PERIOD_M5;
   frames[2]=PERIOD_M15;
   frames[3]=PERIOD_M30;
   frames[4]=PERIOD_H1;
   frames[5]=PERIOD_H4;
   frames[6]=PERIOD_D1;
   frames[7]=PERIOD_W1;
   frames[8]=PERIOD_MN1;
   return(9);
  }
//+------------------------------------------------------------------+
//| Timeframes out of "M1,H1,D1", each once and in that order; false |
//| when a name is none of them                                      |
//+------------------------------------------------------------------+
bool RubiReadTimeframes(const string list,ENUM_TIMEFRAMES &frames[])
  {
   ENUM_TIMEFRAMES known[];
   string          names[];
   int             kinds=RubiTimeframes(known);
   int             count=StringSplit(list,',',names);
   int             kept=0;
   ArrayResize(frames,0);
   for(int i=0; i<count; i++)
     {
      string name=names[i];
      int    found=-1;
      bool   again=false;
      StringTrimLeft(name);
      StringTrimRight(name);
      StringToUpper(name);
      if(name=="")
         continue;
      for(int k=0; k<kinds; k++)
        {
         if(RubiTimeframeName(known[k])==name)
            found=k;
        }
      if(found<0)
         return(false);
      for(int k=0; k<kept; k++)
        {
         if(frames[k]==known[found])
            again=true;
        }
      if(again)
         continue;
      ArrayResize(frames,kept+1,16);
      frames[kept]=known[found];
      kept++;
     }
   return(true);
  }
#endif
//+------------------------------------------------------------------+
