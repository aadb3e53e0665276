//+------------------------------------------------------------------+
//|                                                      Builder.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_BUILDER_MQH
#define RUBI_BUILDER_MQH
#include "Guard.mqh"
//+------------------------------------------------------------------+
//| Class CRubiBuilder.                                              |
//| Purpose: a trade request out of a command, or the code of why    |
//|          not. What it resolves (grid, volume, kept stops) goes   |
//|          back into the command, so that the journal has it.      |
//+------------------------------------------------------------------+
class CRubiBuilder
  {
private:
   int               m_deviation;
   ulong             m_magic;

   void              Begin(const SRubiCommand &command,MqlTradeRequest &request) const;
   ulong             SelectPosition(const ulong ticket) const;
   string            Sized(SRubiCommand &command) const;
   bool              Against(const string symbol,const bool buy,double &volume) const;
   bool              FirstIn(const string symbol,const ulong ticket) const;
   string            Open(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            Pending(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            ModifyPosition(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            ModifyPending(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            Close(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            Priced(const SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            Cancel(SRubiCommand &command,MqlTradeRequest &request) const;
   string            CloseBy(SRubiCommand &command,MqlTradeRequest &request) const;
   string            Expiry(SRubiCommand &command,MqlTradeRequest &request) const;

public:
                     CRubiBuilder(void);
   void              Configure(const CRubiSettings &settings);
   int               Oldest(const string symbol,const string side,ulong &tickets[]) const;
   string            Build(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiBuilder::CRubiBuilder(void)
  {
   m_deviation=0;
   m_magic=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiBuilder::Configure(const CRubiSettings &settings)
  {
   m_deviation=settings.m_deviation;
   m_magic=settings.m_magic;
  }
//+------------------------------------------------------------------+
//| What every request has                                           |
//+------------------------------------------------------------------+
void CRubiBuilder::Begin(const SRubiCommand &command,MqlTradeRequest &request) const
  {
   ZeroMemory(request);
   request.symbol=command.symbol;
   request.magic=command.magic;
   request.comment=command.comment;
   request.deviation=(ulong)(command.deviation>=0 ? command.deviation : m_deviation);
  }
//+------------------------------------------------------------------+
//| Select a position by ticket or by identifier; its ticket or 0    |
//+------------------------------------------------------------------+
ulong CRubiBuilder::SelectPosition(const ulong ticket) const
  {
   if(ticket==0)
      return(0);
   if(PositionSelectByTicket(ticket))
      return(ticket);
//--- the ticket may change (swap by reopening), the identifier does not
   int total=PositionsTotal();
   for(int i=0; i<total; i++)
     {
      ulong other=PositionGetTicket(i);
      if(other>0 && PositionGetInteger(POSITION_IDENTIFIER)==(long)ticket)
         return(other);
     }
   return(0);
  }
//+------------------------------------------------------------------+
//| Volume on its grid, inside the symbol's bounds; a code or empty  |
//+------------------------------------------------------------------+
string CRubiBuilder::Sized(SRubiCommand &command) const
  {
   command.volume=CRubiRules::Volume(command.symbol,command.volume);
   if(command.volume<=0.0)
      return("VOLUME_BELOW_MINIMUM");
   if(command.volume>SymbolInfoDouble(command.symbol,SYMBOL_VOLUME_MAX)+0.00000001)
      return("VOLUME_ABOVE_MAXIMUM");
   return("");
  }
//+------------------------------------------------------------------+
//| Is there a position on the other side, and how large are they    |
//+------------------------------------------------------------------+
bool CRubiBuilder::Against(const string symbol,const bool buy,double &volume) const
  {
   int total=PositionsTotal();
   volume=0.0;
   for(int i=0; i<total; i++)
     {
      ulong ticket=PositionGetTicket(i);
      if(ticket==0 || PositionGetString(POSITION_SYMBOL)!=symbol)
         continue;
      bool long_side=((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_BUY);
      if(long_side!=buy)
         volume+=PositionGetDouble(POSITION_VOLUME);
     }
   return(volume>0.0);
  }
//+------------------------------------------------------------------+
//| Is no position of the symbol older                               |
//+------------------------------------------------------------------+
bool CRubiBuilder::FirstIn(const string symbol,const ulong ticket) const
  {
   int total=PositionsTotal();
   if(!PositionSelectByTicket(ticket))
      return(true);
   long opened=PositionGetInteger(POSITION_TIME_MSC);
   for(int i=0; i<total; i++)
     {
      ulong other=PositionGetTicket(i);
      if(other==0 || other==ticket || PositionGetString(POSITION_SYMBOL)!=symbol)
         continue;
      if(PositionGetInteger(POSITION_TIME_MSC)<opened)
         return(false);
     }
   return(true);
  }
//+------------------------------------------------------------------+
//| A request out of any command but CLOSE_ALL and QUERY             |
//+------------------------------------------------------------------+
string CRubiBuilder::Build(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   if(command.magic==0)
      command.magic=m_magic;
   if(command.kind=="OPEN")
      return(Open(command,guard,request));
   if(command.kind=="PLACE_PENDING")
      return(Pending(command,guard,request));
   if(command.kind=="MODIFY_POSITION")
      return(ModifyPosition(command,guard,request));
   if(command.kind=="MODIFY_PENDING")
      return(ModifyPending(command,guard,request));
   if(command.kind=="CANCEL_PENDING")
      return(Cancel(command,request));
   if(command.kind=="CLOSE_BY")
      return(CloseBy(command,request));
   if(command.kind=="CLOSE_POSITION" || command.kind=="CLOSE_PARTIAL")
      return(Close(command,guard,request));
   return("UNKNOWN_KIND");
  }
//+------------------------------------------------------------------+
//| A market order                                                   |
//+------------------------------------------------------------------+
string CRubiBuilder::Open(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   bool buy=(command.side=="BUY");
   if((!buy && command.side!="SELL") || (command.order_type!="MARKET" && command.order_type!=""))
      return("BAD_COMMAND");
   if(!CRubiRules::Ready(command.symbol))
      return("SYMBOL_NOT_READY");
   string code=Sized(command);
   if(code!="")
      return(code);
   double against=0.0;
   bool   other=Against(command.symbol,buy,against);
   bool   reduces=(other && !CRubiAccount::Hedging() && against>=command.volume-0.00000001);
   if(command.reduce_only && !reduces)
      return("REDUCE_ONLY");
   if(other && CRubiAccount::Hedging() && AccountInfoInteger(ACCOUNT_HEDGE_ALLOWED)==0)
      return("HEDGE_PROHIBITED");
   Begin(command,request);
   request.action=TRADE_ACTION_DEAL;
   request.type=buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL;
   request.volume=command.volume;
   command.sl=CRubiRules::Price(command.symbol,command.sl);
   command.tp=CRubiRules::Price(command.symbol,command.tp);
   request.sl=command.sl;
   request.tp=command.tp;
   code=Priced(command,guard,request);
   if(code!="")
      return(code);
   if(reduces)
      return("");
   code=CRubiRules::TradeModeFault(command.symbol,buy);
   if(code=="")
      code=guard.Risk(command.symbol,buy,command.volume,request.price,command.sl);
   if(code=="")
      code=guard.Margin(command.symbol,request.type,command.volume,request.price);
   return(code);
  }
//+------------------------------------------------------------------+
//| Today's price into a market order, and all that hangs on it      |
//+------------------------------------------------------------------+
string CRubiBuilder::Priced(const SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   MqlTick tick;
   bool    buy=(request.type==ORDER_TYPE_BUY);
   if(!CRubiRules::Quote(request.symbol,tick))
      return("NO_QUOTE");
   request.price=buy ? tick.ask : tick.bid;
   ENUM_ORDER_TYPE_FILLING modes[];
   CRubiRules::Fillings(request.symbol,command.filling,modes);
   request.type_filling=modes[0];
   string code=guard.Fresh(command,request.price);
   if(code!="" || request.position!=0)
      return(code);
   return(CRubiRules::StopsFault(request.symbol,buy,buy ? tick.bid : tick.ask,request.sl,request.tp));
  }
//+------------------------------------------------------------------+
//| How long a pending order lives                                   |
//+------------------------------------------------------------------+
string CRubiBuilder::Expiry(SRubiCommand &command,MqlTradeRequest &request) const
  {
   ENUM_ORDER_TYPE_TIME type_time=ORDER_TIME_GTC;
   if(!CRubiRules::TypeTime(command.symbol,command.type_time,type_time))
      return("EXPIRATION_NOT_ALLOWED");
   request.type_time=type_time;
   if(type_time==ORDER_TIME_SPECIFIED || type_time==ORDER_TIME_SPECIFIED_DAY)
     {
      if(command.expiration<=(long)TimeTradeServer())
         return("EXPIRATION_PASSED");
      request.expiration=(datetime)command.expiration;
     }
   return("");
  }
//+------------------------------------------------------------------+
//| A pending order; its rest is always kept (RETURN)                |
//+------------------------------------------------------------------+
string CRubiBuilder::Pending(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   ENUM_ORDER_TYPE type=ORDER_TYPE_BUY_LIMIT;
   if(!CRubiRules::PendingType(command.side,command.order_type,type) || command.price<=0.0)
      return("BAD_COMMAND");
   if(!CRubiRules::Ready(command.symbol))
      return("SYMBOL_NOT_READY");
   string code=Sized(command);
   if(code!="")
      return(code);
   bool buy=CRubiRules::BuySide(type);
   command.price=CRubiRules::Price(command.symbol,command.price);
   command.stop_limit=CRubiRules::Price(command.symbol,command.stop_limit);
   command.sl=CRubiRules::Price(command.symbol,command.sl);
   command.tp=CRubiRules::Price(command.symbol,command.tp);
   Begin(command,request);
   request.action=TRADE_ACTION_PENDING;
   request.type=type;
   request.type_filling=ORDER_FILLING_RETURN;
   request.volume=command.volume;
   request.price=command.price;
   request.stoplimit=command.stop_limit;
   request.sl=command.sl;
   request.tp=command.tp;
   double entry=command.price;
   if(type==ORDER_TYPE_BUY_STOP_LIMIT || type==ORDER_TYPE_SELL_STOP_LIMIT)
      entry=command.stop_limit;
   code=CRubiRules::TradeModeFault(command.symbol,buy);
   if(code=="")
      code=guard.Fresh(command,entry);
   if(code=="")
      code=CRubiRules::PendingFault(command.symbol,type,command.price,command.stop_limit);
   if(code=="")
      code=CRubiRules::StopsFault(command.symbol,buy,entry,command.sl,command.tp);
   if(code=="")
      code=Expiry(command,request);
   if(code=="")
      code=guard.Risk(command.symbol,buy,command.volume,entry,command.sl);
   if(code=="")
      code=guard.Margin(command.symbol,buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL,command.volume,entry);
   return(code);
  }
//+------------------------------------------------------------------+
//| New stops of a position; one that is not given stays             |
//+------------------------------------------------------------------+
string CRubiBuilder::ModifyPosition(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   ulong ticket=SelectPosition(command.position_ticket);
   if(ticket==0)
      return("POSITION_NOT_FOUND");
   command.symbol=PositionGetString(POSITION_SYMBOL);
   if(!CRubiRules::Ready(command.symbol) || !PositionSelectByTicket(ticket))
      return("SYMBOL_NOT_READY");
   bool   buy=((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_BUY);
   double volume=PositionGetDouble(POSITION_VOLUME);
   double old_sl=PositionGetDouble(POSITION_SL);
   double old_tp=PositionGetDouble(POSITION_TP);
   double opened=PositionGetDouble(POSITION_PRICE_OPEN);
   if(command.expect_volume>0.0 && MathAbs(command.expect_volume-volume)>0.00000001)
      return("POSITION_CHANGED");
   command.sl=command.has_sl ? CRubiRules::Price(command.symbol,command.sl) : old_sl;
   command.tp=command.has_tp ? CRubiRules::Price(command.symbol,command.tp) : old_tp;
   MqlTick tick;
   if(!CRubiRules::Quote(command.symbol,tick))
      return("NO_QUOTE");
   double market=buy ? tick.bid : tick.ask;
   if(CRubiRules::Frozen(command.symbol,old_sl,market) || CRubiRules::Frozen(command.symbol,old_tp,market))
      return("FREEZE_LEVEL");
   Begin(command,request);
   request.action=TRADE_ACTION_SLTP;
   request.position=ticket;
   request.sl=command.sl;
   request.tp=command.tp;
   string code=CRubiRules::StopsFault(command.symbol,buy,market,command.sl,command.tp);
   if(code=="" && command.has_sl)
      code=guard.Risk(command.symbol,buy,volume,opened,command.sl);
   return(code);
  }
//+------------------------------------------------------------------+
//| Positions of a symbol (empty for all), oldest first, as FIFO     |
//| accounts demand                                                  |
//+------------------------------------------------------------------+
int CRubiBuilder::Oldest(const string symbol,const string side,ulong &tickets[]) const
  {
   long opened[];
   int  count=0;
   int  total=PositionsTotal();
   ArrayResize(tickets,total);
   ArrayResize(opened,total);
   for(int i=0; i<total; i++)
     {
      ulong ticket=PositionGetTicket(i);
      if(ticket==0 || !CRubiRules::Meant(symbol,side))
         continue;
      long time=PositionGetInteger(POSITION_TIME_MSC);
      int  at=count;
      while(at>0 && opened[at-1]>time)
        {
         opened[at]=opened[at-1];
         tickets[at]=tickets[at-1];
         at--;
        }
      opened[at]=time;
      tickets[at]=ticket;
      count++;
     }
   return(count);
  }
#endif
//+------------------------------------------------------------------+
