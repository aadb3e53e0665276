//+------------------------------------------------------------------+
//|                                                      Symbols.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_SYMBOLS_MQH
#define RUBI_SYMBOLS_MQH
#include "Defines.mqh"
#include "Bytes.mqh"
#include "JsonWriter.mqh"
#include "Settings.mqh"
//+------------------------------------------------------------------+
//| Class CRubiSymbols.                                              |
//| Purpose: which symbols are watched, and their specifications: a  |
//|          specification is sent again when it has changed.        |
//+------------------------------------------------------------------+
class CRubiSymbols
  {
private:
   string            m_list;
   string            m_names[];
   string            m_sent[];
   string            m_flying[];
   int               m_count;
   bool              m_all;
   ulong             m_looked;

   void              Watch(const string name);
   void              WriteOne(CRubiJsonWriter &writer,const string name) const;

public:
                     CRubiSymbols(void);
   void              Configure(const CRubiSettings &settings);
   void              Refresh(void);
   void              Need(void);
   int               Count(void) const;
   string            Name(const int index) const;
   string            Hash(void) const;
   void              Write(CRubiJsonWriter &writer);
   void              Acknowledged(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiSymbols::CRubiSymbols(void)
  {
   m_list="";
   m_count=0;
   m_all=false;
   m_looked=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiSymbols::Configure(const CRubiSettings &settings)
  {
   m_list=settings.m_symbols;
   m_count=0;
   m_all=true;
   m_looked=0;
  }
//+------------------------------------------------------------------+
//| Watch one more symbol                                            |
//+------------------------------------------------------------------+
void CRubiSymbols::Watch(const string name)
  {
   if(name=="" || m_count>=RUBI_WATCH_MAX)
      return;
   for(int i=0; i<m_count; i++)
     {
      if(m_names[i]==name)
         return;
     }
   if(!SymbolSelect(name,true))
      return;
   ArrayResize(m_names,m_count+1,64);
   ArrayResize(m_sent,m_count+1,64);
   ArrayResize(m_flying,m_count+1,64);
   m_names[m_count]=name;
   m_sent[m_count]="";
   m_flying[m_count]="";
   m_count++;
  }
//+------------------------------------------------------------------+
//| The input's list, or Market Watch; and whatever is held          |
//+------------------------------------------------------------------+
void CRubiSymbols::Refresh(void)
  {
   string parts[];
   int    count=StringSplit(m_list,',',parts);
   for(int i=0; i<count; i++)
     {
      string name=parts[i];
      StringTrimLeft(name);
      StringTrimRight(name);
      Watch(name);
     }
   if(m_list=="")
     {
      int total=SymbolsTotal(true);
      for(int i=0; i<total; i++)
         Watch(SymbolName(i,true));
     }
   Watch(Symbol());
   int total=PositionsTotal();
   for(int i=0; i<total; i++)
      Watch(PositionGetSymbol(i));
  }
//+------------------------------------------------------------------+
//| The service asks for all of them                                 |
//+------------------------------------------------------------------+
void CRubiSymbols::Need(void)
  {
   for(int i=0; i<m_count; i++)
      m_sent[i]="";
   m_all=true;
  }
//+------------------------------------------------------------------+
//| Symbols watched                                                  |
//+------------------------------------------------------------------+
int CRubiSymbols::Count(void) const
  {
   return(m_count);
  }
//+------------------------------------------------------------------+
//| A watched symbol                                                 |
//+------------------------------------------------------------------+
string CRubiSymbols::Name(const int index) const
  {
   return(m_names[index]);
  }
//+------------------------------------------------------------------+
//| One hash over the names and what does not move with the market   |
//+------------------------------------------------------------------+
string CRubiSymbols::Hash(void) const
  {
   string text="";
   for(int i=0; i<m_count; i++)
      text+=StringFormat("%s|%I64d|%s|%s|%s|%s\n",m_names[i],SymbolInfoInteger(m_names[i],SYMBOL_DIGITS),
                         RubiNumber(SymbolInfoDouble(m_names[i],SYMBOL_TRADE_CONTRACT_SIZE)),
                         RubiNumber(SymbolInfoDouble(m_names[i],SYMBOL_VOLUME_MIN)),
                         RubiNumber(SymbolInfoDouble(m_names[i],SYMBOL_VOLUME_MAX)),
                         RubiNumber(SymbolInfoDouble(m_names[i],SYMBOL_VOLUME_STEP)));
   return(RubiSha256Hex(text));
  }
//+------------------------------------------------------------------+
//| One specification                                                |
//+------------------------------------------------------------------+
void CRubiSymbols::WriteOne(CRubiJsonWriter &writer,const string name) const
  {
   string mode=EnumToString((ENUM_SYMBOL_TRADE_MODE)SymbolInfoInteger(name,SYMBOL_TRADE_MODE));
   string execution=EnumToString((ENUM_SYMBOL_TRADE_EXECUTION)SymbolInfoInteger(name,SYMBOL_TRADE_EXEMODE));
   double initial=0.0;
   double maintenance=0.0;
   writer.OpenObject("");
   writer.PutText("name",name);
   writer.PutLong("digits",SymbolInfoInteger(name,SYMBOL_DIGITS));
   writer.PutNumber("point",SymbolInfoDouble(name,SYMBOL_POINT));
   writer.PutNumber("tick_size",SymbolInfoDouble(name,SYMBOL_TRADE_TICK_SIZE));
   writer.PutNumber("tick_value_profit",SymbolInfoDouble(name,SYMBOL_TRADE_TICK_VALUE_PROFIT));
   writer.PutNumber("tick_value_loss",SymbolInfoDouble(name,SYMBOL_TRADE_TICK_VALUE_LOSS));
   writer.PutNumber("contract_size",SymbolInfoDouble(name,SYMBOL_TRADE_CONTRACT_SIZE));
   writer.PutNumber("volume_min",SymbolInfoDouble(name,SYMBOL_VOLUME_MIN));
   writer.PutNumber("volume_max",SymbolInfoDouble(name,SYMBOL_VOLUME_MAX));
   writer.PutNumber("volume_step",SymbolInfoDouble(name,SYMBOL_VOLUME_STEP));
   writer.PutNumber("volume_limit",SymbolInfoDouble(name,SYMBOL_VOLUME_LIMIT));
   writer.PutLong("stops_level",SymbolInfoInteger(name,SYMBOL_TRADE_STOPS_LEVEL));
   writer.PutLong("freeze_level",SymbolInfoInteger(name,SYMBOL_TRADE_FREEZE_LEVEL));
   writer.PutText("trade_mode",RubiName(mode,"SYMBOL_TRADE_MODE_"));
   writer.PutText("trade_exemode",RubiName(execution,"SYMBOL_TRADE_EXECUTION_"));
   writer.PutLong("filling_flags",SymbolInfoInteger(name,SYMBOL_FILLING_MODE));
   writer.PutLong("order_modes",SymbolInfoInteger(name,SYMBOL_ORDER_MODE));
   writer.PutLong("expiration_modes",SymbolInfoInteger(name,SYMBOL_EXPIRATION_MODE));
   writer.PutText("currency_base",SymbolInfoString(name,SYMBOL_CURRENCY_BASE));
   writer.PutText("currency_profit",SymbolInfoString(name,SYMBOL_CURRENCY_PROFIT));
   writer.PutText("currency_margin",SymbolInfoString(name,SYMBOL_CURRENCY_MARGIN));
   writer.PutNumber("margin_initial",SymbolInfoDouble(name,SYMBOL_MARGIN_INITIAL));
   if(SymbolInfoMarginRate(name,ORDER_TYPE_BUY,initial,maintenance))
      writer.PutNumber("margin_rate",initial);
   writer.PutNumber("swap_long",SymbolInfoDouble(name,SYMBOL_SWAP_LONG));
   writer.PutNumber("swap_short",SymbolInfoDouble(name,SYMBOL_SWAP_SHORT));
   writer.CloseObject();
  }
//+------------------------------------------------------------------+
//| Write the specifications that the service does not have so       |
//+------------------------------------------------------------------+
void CRubiSymbols::Write(CRubiJsonWriter &writer)
  {
   ulong now=GetTickCount64();
   for(int i=0; i<m_count; i++)
      m_flying[i]="";
   if(!m_all && now-m_looked<RUBI_SPECS_MS)
      return;
   m_looked=now;
   Refresh();
   int written=0;
   for(int i=0; i<m_count && written<RUBI_SPECS_PER_SYNC; i++)
     {
      CRubiJsonWriter one;
      WriteOne(one,m_names[i]);
      string text=one.Text();
      if(text==m_sent[i])
         continue;
      if(written==0)
         writer.OpenList("symbols");
      writer.PutRaw("",text);
      m_flying[i]=text;
      written++;
     }
   if(written>0)
      writer.CloseList();
   m_all=(written==RUBI_SPECS_PER_SYNC);
  }
//+------------------------------------------------------------------+
//| The service has what was written last                            |
//+------------------------------------------------------------------+
void CRubiSymbols::Acknowledged(void)
  {
   for(int i=0; i<m_count; i++)
     {
      if(m_flying[i]!="")
         m_sent[i]=m_flying[i];
      m_flying[i]="";
     }
  }
#endif
//+------------------------------------------------------------------+
