//+------------------------------------------------------------------+
//|                                               BuilderChanges.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_BUILDER_CHANGES_MQH
#define RUBI_BUILDER_CHANGES_MQH
#include "Builder.mqh"
//+------------------------------------------------------------------+
//| New price, stops or life of a pending order; what is not given   |
//| stays                                                            |
//+------------------------------------------------------------------+
string CRubiBuilder::ModifyPending(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   if(command.order_ticket==0 || !OrderSelect(command.order_ticket))
      return("ORDER_NOT_FOUND");
   ENUM_ORDER_TYPE      type=(ENUM_ORDER_TYPE)OrderGetInteger(ORDER_TYPE);
   ENUM_ORDER_TYPE_TIME type_time=(ENUM_ORDER_TYPE_TIME)OrderGetInteger(ORDER_TYPE_TIME);
   long                 expiration=OrderGetInteger(ORDER_TIME_EXPIRATION);
   double               old_price=OrderGetDouble(ORDER_PRICE_OPEN);
   double               old_limit=OrderGetDouble(ORDER_PRICE_STOPLIMIT);
   double               old_sl=OrderGetDouble(ORDER_SL);
   double               old_tp=OrderGetDouble(ORDER_TP);
   double               volume=OrderGetDouble(ORDER_VOLUME_CURRENT);
   bool                 buy=CRubiRules::BuySide(type);
   MqlTick              tick;
   command.symbol=OrderGetString(ORDER_SYMBOL);
   if(type==ORDER_TYPE_BUY || type==ORDER_TYPE_SELL)
      return("ORDER_NOT_PENDING");
   if(!CRubiRules::Ready(command.symbol))
      return("SYMBOL_NOT_READY");
   if(!CRubiRules::Quote(command.symbol,tick))
      return("NO_QUOTE");
   if(CRubiRules::Frozen(command.symbol,old_price,buy ? tick.ask : tick.bid))
      return("FREEZE_LEVEL");
   command.price=(command.price>0.0) ? CRubiRules::Price(command.symbol,command.price) : old_price;
   command.stop_limit=(command.stop_limit>0.0) ? CRubiRules::Price(command.symbol,command.stop_limit) : old_limit;
   command.sl=command.has_sl ? CRubiRules::Price(command.symbol,command.sl) : old_sl;
   command.tp=command.has_tp ? CRubiRules::Price(command.symbol,command.tp) : old_tp;
   command.volume=volume;
   Begin(command,request);
   request.action=TRADE_ACTION_MODIFY;
   request.order=command.order_ticket;
   request.price=command.price;
   request.stoplimit=command.stop_limit;
   request.sl=command.sl;
   request.tp=command.tp;
   request.type_time=type_time;
   request.expiration=(datetime)expiration;
   double entry=command.price;
   if(type==ORDER_TYPE_BUY_STOP_LIMIT || type==ORDER_TYPE_SELL_STOP_LIMIT)
      entry=command.stop_limit;
   string code=CRubiRules::PendingFault(command.symbol,type,command.price,command.stop_limit);
   if(code=="")
      code=CRubiRules::StopsFault(command.symbol,buy,entry,command.sl,command.tp);
   if(code=="" && command.type_time!="" && command.expiration>0)
      code=Expiry(command,request);
   if(code=="")
      code=guard.Risk(command.symbol,buy,volume,entry,command.sl);
   return(code);
  }
//+------------------------------------------------------------------+
//| Take a pending order out of the book                             |
//+------------------------------------------------------------------+
string CRubiBuilder::Cancel(SRubiCommand &command,MqlTradeRequest &request) const
  {
   if(command.order_ticket==0 || !OrderSelect(command.order_ticket))
      return("ORDER_NOT_FOUND");
   command.symbol=OrderGetString(ORDER_SYMBOL);
   Begin(command,request);
   request.action=TRADE_ACTION_REMOVE;
   request.order=command.order_ticket;
   return("");
  }
//+------------------------------------------------------------------+
//| A whole position or a part of it, by its ticket. On a netting    |
//| account this is an opposite deal, so never more than there is    |
//+------------------------------------------------------------------+
string CRubiBuilder::Close(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   ulong ticket=SelectPosition(command.position_ticket);
   if(ticket==0)
      return("POSITION_NOT_FOUND");
   string symbol=PositionGetString(POSITION_SYMBOL);
   if(command.symbol!="" && command.symbol!=symbol)
      return("POSITION_OF_OTHER_SYMBOL");
   command.symbol=symbol;
   if(!CRubiRules::Ready(symbol) || !PositionSelectByTicket(ticket))
      return("SYMBOL_NOT_READY");
   double there=PositionGetDouble(POSITION_VOLUME);
   double most=SymbolInfoDouble(symbol,SYMBOL_VOLUME_MAX);
   bool   buy=((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_BUY);
   if(command.expect_volume>0.0 && MathAbs(command.expect_volume-there)>0.00000001)
      return("POSITION_CHANGED");
   double volume=there;
   if(command.kind=="CLOSE_PARTIAL")
     {
      volume=CRubiRules::Volume(symbol,command.volume);
      if(volume<=0.0)
         return("VOLUME_BELOW_MINIMUM");
      if(volume>there+0.00000001)
         return("VOLUME_ABOVE_POSITION");
      double rest=there-volume;
      if(rest>0.00000001 && rest<SymbolInfoDouble(symbol,SYMBOL_VOLUME_MIN)-0.00000001)
         return("REST_BELOW_MINIMUM");
     }
//--- a larger position closes by parts; the service sees what is left
   if(most>0.0 && volume>most)
      volume=most;
   if(AccountInfoInteger(ACCOUNT_FIFO_CLOSE)!=0 && !FirstIn(symbol,ticket))
      return("FIFO_CLOSE");
   if(!PositionSelectByTicket(ticket))
      return("POSITION_NOT_FOUND");
//--- the identifier outlives the ticket
   command.position_ticket=(ulong)PositionGetInteger(POSITION_IDENTIFIER);
   command.volume=volume;
   Begin(command,request);
   request.action=TRADE_ACTION_DEAL;
   request.position=ticket;
   request.type=buy ? ORDER_TYPE_SELL : ORDER_TYPE_BUY;
   request.volume=volume;
   return(Priced(command,guard,request));
  }
//+------------------------------------------------------------------+
//| A position by an opposite one, named by order_ticket             |
//+------------------------------------------------------------------+
string CRubiBuilder::CloseBy(SRubiCommand &command,MqlTradeRequest &request) const
  {
   if(!CRubiAccount::Hedging())
      return("CLOSE_BY_NEEDS_HEDGING");
   ulong other=SelectPosition(command.order_ticket);
   if(other==0)
      return("OPPOSITE_NOT_FOUND");
   string other_symbol=PositionGetString(POSITION_SYMBOL);
   long   other_type=PositionGetInteger(POSITION_TYPE);
   ulong  ticket=SelectPosition(command.position_ticket);
   if(ticket==0)
      return("POSITION_NOT_FOUND");
   string symbol=PositionGetString(POSITION_SYMBOL);
   if(symbol!=other_symbol || PositionGetInteger(POSITION_TYPE)==other_type)
      return("OPPOSITE_NOT_FOUND");
   if((SymbolInfoInteger(symbol,SYMBOL_ORDER_MODE)&SYMBOL_ORDER_CLOSEBY)==0)
      return("CLOSE_BY_NOT_ALLOWED");
   command.symbol=symbol;
   command.position_ticket=(ulong)PositionGetInteger(POSITION_IDENTIFIER);
   Begin(command,request);
   request.action=TRADE_ACTION_CLOSE_BY;
   request.position=ticket;
   request.position_by=other;
   return("");
  }
#endif
//+------------------------------------------------------------------+
