//+------------------------------------------------------------------+
//|                                                      Signals.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_SIGNALS_MQH
#define RUBI_SIGNALS_MQH
#include "Defines.mqh"
#include "Account.mqh"
#include "Bytes.mqh"
#include "Folders.mqh"
#include "JsonWriter.mqh"
//+------------------------------------------------------------------+
//| Class CRubiSignals.                                              |
//| Purpose: how a strategy of your own sends a signal:              |
//|             #include <Rubi/Signals.mqh>                          |
//|             CRubiSignals Signals;                                |
//|             Signals.Buy(stop_loss,take_profit);                  |
//|          The signal is a file on disk when the call returns true.|
//|          The connector on another chart of this computer, with   |
//|          the same account, takes it from there.                  |
//+------------------------------------------------------------------+
class CRubiSignals
  {
private:
   string            m_source;
   double            m_volume;
   double            m_confidence;
   int               m_number;
   string            m_last_key;

   bool              Keep(const string key,const string body);

public:
                     CRubiSignals(void);
   void              Source(const string name);
   void              Volume(const double lots);
   void              Confidence(const double part);
   bool              Buy(const double stop_loss,const double take_profit);
   bool              Sell(const double stop_loss,const double take_profit);
   bool              CloseBuy(void);
   bool              CloseSell(void);
   bool              Send(const string symbol,const string signal_type,const double entry_price,
                          const double stop_loss,const double take_profit);
   string            LastKey(void) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiSignals::CRubiSignals(void)
  {
   m_source="";
   m_volume=0.0;
   m_confidence=0.0;
   m_number=0;
   m_last_key="";
  }
//+------------------------------------------------------------------+
//| The name under which the service shows the signals               |
//+------------------------------------------------------------------+
void CRubiSignals::Source(const string name)
  {
   m_source=name;
  }
//+------------------------------------------------------------------+
//| Lots to ask for; 0 leaves the size to the service's risk rules   |
//+------------------------------------------------------------------+
void CRubiSignals::Volume(const double lots)
  {
   m_volume=lots;
  }
//+------------------------------------------------------------------+
//| How sure the strategy is, 0 to 1; 0 says nothing                 |
//+------------------------------------------------------------------+
void CRubiSignals::Confidence(const double part)
  {
   m_confidence=part;
  }
//+------------------------------------------------------------------+
//| Buy the chart's symbol                                           |
//+------------------------------------------------------------------+
bool CRubiSignals::Buy(const double stop_loss,const double take_profit)
  {
   double ask=SymbolInfoDouble(Symbol(),SYMBOL_ASK);
   return(Send(Symbol(),"BUY",ask,stop_loss,take_profit));
  }
//+------------------------------------------------------------------+
//| Sell the chart's symbol                                          |
//+------------------------------------------------------------------+
bool CRubiSignals::Sell(const double stop_loss,const double take_profit)
  {
   double bid=SymbolInfoDouble(Symbol(),SYMBOL_BID);
   return(Send(Symbol(),"SELL",bid,stop_loss,take_profit));
  }
//+------------------------------------------------------------------+
//| Close what was bought of the chart's symbol                      |
//+------------------------------------------------------------------+
bool CRubiSignals::CloseBuy(void)
  {
   return(Send(Symbol(),"CLOSE_BUY",0.0,0.0,0.0));
  }
//+------------------------------------------------------------------+
//| Close what was sold of the chart's symbol                        |
//+------------------------------------------------------------------+
bool CRubiSignals::CloseSell(void)
  {
   return(Send(Symbol(),"CLOSE_SELL",0.0,0.0,0.0));
  }
//+------------------------------------------------------------------+
//| Send any signal; true when it is on disk                         |
//+------------------------------------------------------------------+
bool CRubiSignals::Send(const string symbol,const string signal_type,const double entry_price,
                        const double stop_loss,const double take_profit)
  {
   string timeframe=EnumToString(Period());
   string key=RubiUuid(symbol+signal_type);
   CRubiJsonWriter writer;
   writer.OpenObject("");
   writer.PutText("key",key);
   writer.PutText("symbol",symbol);
   writer.PutText("signal_type",signal_type);
   if(entry_price>0.0)
      writer.PutNumber("entry_price",entry_price);
   if(stop_loss>0.0)
      writer.PutNumber("stop_loss",stop_loss);
   if(take_profit>0.0)
      writer.PutNumber("take_profit",take_profit);
   if(m_volume>0.0)
      writer.PutNumber("volume",m_volume);
   writer.PutText("timeframe",RubiName(timeframe,"PERIOD_"));
   if(m_confidence>0.0)
      writer.PutNumber("confidence",m_confidence);
   if(m_source!="")
      writer.PutText("comment",m_source);
   writer.PutText("signal_time",RubiIso((long)TimeGMT()*1000));
   writer.CloseObject();
   return(Keep(key,writer.Text()));
  }
//+------------------------------------------------------------------+
//| The key of the signal that was sent last                         |
//+------------------------------------------------------------------+
string CRubiSignals::LastKey(void) const
  {
   return(m_last_key);
  }
//+------------------------------------------------------------------+
//| Write under a name that nobody reads, then move: a file that can |
//| be seen is whole                                                 |
//+------------------------------------------------------------------+
bool CRubiSignals::Keep(const string key,const string body)
  {
   string account=CRubiAccount::Key();
   if(account=="" || MQLInfoInteger(MQL_TESTER)!=0)
      return(false);
   string folder=RUBI_SIGNAL_FOLDER+"/"+account;
//--- names sort by time, then by number
   string name=StringFormat("%s/%I64d-%06d-%s",folder,(long)TimeGMT(),m_number,key);
   uchar  bytes[];
   int    size=RubiToBytes(body,bytes);
   m_number++;
   RubiMakeFolder(folder,FILE_COMMON);
   ResetLastError();
   int handle=FileOpen(name+".tmp",FILE_WRITE|FILE_BIN|FILE_COMMON);
   if(handle==INVALID_HANDLE)
     {
      Print(StringFormat("Rubi: cannot write the signal, error %d",GetLastError()));
      return(false);
     }
   bool whole=((int)FileWriteArray(handle,bytes,0,size)==size);
   FileFlush(handle);
   FileClose(handle);
   if(!whole || !FileMove(name+".tmp",FILE_COMMON,name+".json",FILE_COMMON))
     {
      Print(StringFormat("Rubi: the signal was not kept, error %d",GetLastError()));
      FileDelete(name+".tmp",FILE_COMMON);
      return(false);
     }
   m_last_key=key;
   return(true);
  }
#endif
//+------------------------------------------------------------------+
