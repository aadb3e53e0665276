//+------------------------------------------------------------------+
//|                                                      Command.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_COMMAND_MQH
#define RUBI_COMMAND_MQH
#include "Defines.mqh"
#include "JsonReader.mqh"
#include "Bytes.mqh"
//+------------------------------------------------------------------+
//| A deadline in unix seconds out of either of its two fields;      |
//| the whole second that both name is still inside                  |
//+------------------------------------------------------------------+
long RubiDeadline(const CRubiJsonReader &reader,const int node,const string seconds_key,const string iso_key)
  {
   long seconds=reader.LongOf(node,seconds_key);
   if(seconds>0)
      return(seconds);
   return(RubiFromIso(reader.TextOf(node,iso_key))/1000);
  }
//+------------------------------------------------------------------+
//| The part of a command that its sha256 covers                     |
//+------------------------------------------------------------------+
string RubiSignedText(const CRubiJsonReader &reader,const int node)
  {
   string text=reader.TextOf(node,"order_id");
   text+="|"+reader.TextOf(node,"kind");
   text+="|"+reader.TextOf(node,"symbol");
   text+="|"+reader.TextOf(node,"side");
   text+="|"+reader.TextOf(node,"order_type");
   text+="|"+reader.TextOf(node,"volume");
   text+="|"+reader.TextOf(node,"price");
   text+="|"+reader.TextOf(node,"sl");
   text+="|"+reader.TextOf(node,"tp");
   text+="|"+reader.TextOf(node,"position_ticket");
   text+="|"+reader.TextOf(node,"order_ticket");
   return(text);
  }
//+------------------------------------------------------------------+
//| Seconds of the broker's clock out of an expiration               |
//+------------------------------------------------------------------+
long RubiExpiration(const CRubiJsonReader &reader,const int node)
  {
   if(!reader.Present(node))
      return(0);
   if(reader.Kind(node)==RUBI_JSON_NUMBER)
      return(reader.Long(node));
   long utc=RubiFromIso(reader.Text(node))/1000;
   if(utc<=0)
      return(reader.Long(node));
//--- whole quarters of an hour: the two clocks tick apart
   double quarters=((double)TimeTradeServer()-(double)TimeGMT())/900.0;
   return(utc+(long)MathRound(quarters)*900);
  }
//+------------------------------------------------------------------+
//| A command out of an answer; false when it has no order id        |
//+------------------------------------------------------------------+
bool RubiReadCommand(const CRubiJsonReader &reader,const int node,SRubiCommand &command)
  {
   command.order_id=reader.LongOf(node,"order_id");
   command.lease_id=reader.TextOf(node,"lease_id");
   command.not_after=RubiDeadline(reader,node,"not_after_gmt","not_after");
   command.lease_expires=RubiDeadline(reader,node,"lease_expires_gmt","lease_expires_at");
   command.kind=reader.TextOf(node,"kind");
   command.symbol=reader.TextOf(node,"symbol");
   command.side=reader.TextOf(node,"side");
   command.order_type=reader.TextOf(node,"order_type");
   command.volume=reader.NumberOf(node,"volume");
   command.price=reader.NumberOf(node,"price");
   command.stop_limit=reader.NumberOf(node,"stop_limit");
   command.sl=reader.NumberOf(node,"sl");
   command.tp=reader.NumberOf(node,"tp");
   command.has_sl=reader.Present(reader.Find(node,"sl"));
   command.has_tp=reader.Present(reader.Find(node,"tp"));
   command.deviation=-1;
   if(reader.Present(reader.Find(node,"deviation_points")))
      command.deviation=(int)reader.LongOf(node,"deviation_points");
   command.filling=reader.TextOf(node,"filling");
   command.type_time=reader.TextOf(node,"type_time");
   command.expiration=RubiExpiration(reader,reader.Find(node,"expiration"));
   command.magic=reader.Ticket(reader.Find(node,"magic"));
   command.comment=RubiCut(reader.TextOf(node,"comment"),0,31);
   command.position_ticket=reader.Ticket(reader.Find(node,"position_ticket"));
   command.order_ticket=reader.Ticket(reader.Find(node,"order_ticket"));
   int guards=reader.Find(node,"guards");
   int band=reader.First(reader.Find(guards,"price_band"));
   command.max_spread=reader.NumberOf(guards,"max_spread_points");
   command.band_low=reader.Number(band);
   command.band_high=reader.Number(reader.Next(band));
   command.reduce_only=reader.Flag(reader.Find(guards,"reduce_only"));
   command.expect_volume=reader.NumberOf(guards,"expect_volume");
   command.sha256=reader.TextOf(node,"sha256");
   StringToLower(command.sha256);
   command.signed_text=RubiSignedText(reader,node);
   return(command.order_id>0);
  }
//+------------------------------------------------------------------+
//| Is the command the one that the service signed                   |
//+------------------------------------------------------------------+
bool RubiCommandGenuine(const SRubiCommand &command)
  {
   return(command.sha256!="" && RubiSha256Hex(command.signed_text)==command.sha256);
  }
//+------------------------------------------------------------------+
//| Does it add to the risk of the account                           |
//+------------------------------------------------------------------+
bool RubiOpens(const string kind)
  {
   return(kind=="OPEN" || kind=="PLACE_PENDING");
  }
//+------------------------------------------------------------------+
//| Does it change what is there                                     |
//+------------------------------------------------------------------+
bool RubiModifies(const string kind)
  {
   return(kind=="MODIFY_POSITION" || kind=="MODIFY_PENDING");
  }
//+------------------------------------------------------------------+
//| Does it take away from the risk of the account                   |
//+------------------------------------------------------------------+
bool RubiReduces(const string kind)
  {
   return(kind=="CLOSE_POSITION" || kind=="CLOSE_PARTIAL" || kind=="CLOSE_BY" || kind=="CLOSE_ALL" || kind=="CANCEL_PENDING");
  }
#endif
//+------------------------------------------------------------------+
