//+------------------------------------------------------------------+
//|                                                      Account.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_ACCOUNT_MQH
#define RUBI_ACCOUNT_MQH
#include "Text.mqh"
#include "JsonWriter.mqh"
//+------------------------------------------------------------------+
//| Class CRubiAccount.                                              |
//| Purpose: which account is open in the terminal, and its money.   |
//+------------------------------------------------------------------+
class CRubiAccount
  {
public:
   static string     Key(void);
   static bool       Hedging(void);
   static bool       Real(void);
   static bool       Connected(void);
   static string     TradeBlock(void);
   static void       WriteIdentity(CRubiJsonWriter &writer);
   static void       WriteTime(CRubiJsonWriter &writer,const long tick_msc);
   static void       WriteFlags(CRubiJsonWriter &writer);
   static void       WriteMoney(CRubiJsonWriter &writer);
  };
//+------------------------------------------------------------------+
//| "login@server" as a folder name, empty while no account is open  |
//+------------------------------------------------------------------+
string CRubiAccount::Key(void)
  {
   long   login=AccountInfoInteger(ACCOUNT_LOGIN);
   string server=AccountInfoString(ACCOUNT_SERVER);
   if(login<=0 || server=="")
      return("");
   return(IntegerToString(login)+"@"+RubiFileName(server));
  }
//+------------------------------------------------------------------+
//| Several positions of one symbol at a time                        |
//+------------------------------------------------------------------+
bool CRubiAccount::Hedging(void)
  {
   return((ENUM_ACCOUNT_MARGIN_MODE)AccountInfoInteger(ACCOUNT_MARGIN_MODE)==ACCOUNT_MARGIN_MODE_RETAIL_HEDGING);
  }
//+------------------------------------------------------------------+
//| Real money                                                       |
//+------------------------------------------------------------------+
bool CRubiAccount::Real(void)
  {
   return((ENUM_ACCOUNT_TRADE_MODE)AccountInfoInteger(ACCOUNT_TRADE_MODE)==ACCOUNT_TRADE_MODE_REAL);
  }
//+------------------------------------------------------------------+
//| Is the terminal connected to the broker                          |
//+------------------------------------------------------------------+
bool CRubiAccount::Connected(void)
  {
   return(TerminalInfoInteger(TERMINAL_CONNECTED)!=0);
  }
//+------------------------------------------------------------------+
//| Which of the five permissions is missing, empty for none         |
//+------------------------------------------------------------------+
string CRubiAccount::TradeBlock(void)
  {
   if(TerminalInfoInteger(TERMINAL_CONNECTED)==0)
      return("NOT_CONNECTED");
   if(TerminalInfoInteger(TERMINAL_TRADE_ALLOWED)==0)
      return("TERMINAL_TRADE_OFF");
   if(MQLInfoInteger(MQL_TRADE_ALLOWED)==0)
      return("EA_TRADE_OFF");
   if(AccountInfoInteger(ACCOUNT_TRADE_ALLOWED)==0)
      return("ACCOUNT_TRADE_OFF");
   if(AccountInfoInteger(ACCOUNT_TRADE_EXPERT)==0)
      return("ACCOUNT_EXPERT_OFF");
   return("");
  }
//+------------------------------------------------------------------+
//| Who is there, for connect                                        |
//+------------------------------------------------------------------+
void CRubiAccount::WriteIdentity(CRubiJsonWriter &writer)
  {
   string login=IntegerToString(AccountInfoInteger(ACCOUNT_LOGIN));
   string company=AccountInfoString(ACCOUNT_COMPANY);
   string margin=EnumToString((ENUM_ACCOUNT_MARGIN_MODE)AccountInfoInteger(ACCOUNT_MARGIN_MODE));
   string trade=EnumToString((ENUM_ACCOUNT_TRADE_MODE)AccountInfoInteger(ACCOUNT_TRADE_MODE));
   margin=RubiName(margin,"ACCOUNT_MARGIN_MODE_");
   writer.PutText("account_number",login);
   writer.PutText("broker",company);
   writer.PutNumber("balance",AccountInfoDouble(ACCOUNT_BALANCE));
   writer.PutNumber("equity",AccountInfoDouble(ACCOUNT_EQUITY));
   writer.PutText("currency",AccountInfoString(ACCOUNT_CURRENCY));
   writer.PutText("login",login);
   writer.PutText("server",AccountInfoString(ACCOUNT_SERVER));
   writer.PutText("company",company);
   writer.PutLong("leverage",AccountInfoInteger(ACCOUNT_LEVERAGE));
   writer.PutText("margin_mode",RubiName(margin,"RETAIL_"));
   writer.PutText("trade_mode",RubiName(trade,"ACCOUNT_TRADE_MODE_"));
   writer.PutFlag("fifo_close",AccountInfoInteger(ACCOUNT_FIFO_CLOSE)!=0);
   writer.PutFlag("hedge_allowed",AccountInfoInteger(ACCOUNT_HEDGE_ALLOWED)!=0);
   writer.PutLong("limit_orders",AccountInfoInteger(ACCOUNT_LIMIT_ORDERS));
   writer.PutLong("build",TerminalInfoInteger(TERMINAL_BUILD));
  }
//+------------------------------------------------------------------+
//| Both clocks and the last tick                                    |
//+------------------------------------------------------------------+
void CRubiAccount::WriteTime(CRubiJsonWriter &writer,const long tick_msc)
  {
   writer.OpenObject("time");
   writer.PutLong("gmt",(long)TimeGMT());
   writer.PutLong("server",(long)TimeTradeServer());
   if(tick_msc>0)
      writer.PutLong("tick_msc",tick_msc);
   writer.CloseObject();
  }
//+------------------------------------------------------------------+
//| The five permissions and the ping                                |
//+------------------------------------------------------------------+
void CRubiAccount::WriteFlags(CRubiJsonWriter &writer)
  {
   writer.OpenObject("flags");
   writer.PutFlag("connected",Connected());
   writer.PutFlag("terminal_trade_allowed",TerminalInfoInteger(TERMINAL_TRADE_ALLOWED)!=0);
   writer.PutFlag("mql_trade_allowed",MQLInfoInteger(MQL_TRADE_ALLOWED)!=0);
   writer.PutFlag("account_trade_allowed",AccountInfoInteger(ACCOUNT_TRADE_ALLOWED)!=0);
   writer.PutFlag("account_trade_expert",AccountInfoInteger(ACCOUNT_TRADE_EXPERT)!=0);
   //--- TERMINAL_PING_LAST is in microseconds
   writer.PutLong("ping_ms",TerminalInfoInteger(TERMINAL_PING_LAST)/1000);
   writer.CloseObject();
  }
//+------------------------------------------------------------------+
//| Balance, equity, margin                                          |
//+------------------------------------------------------------------+
void CRubiAccount::WriteMoney(CRubiJsonWriter &writer)
  {
   writer.OpenObject("account");
   writer.PutNumber("balance",AccountInfoDouble(ACCOUNT_BALANCE));
   writer.PutNumber("equity",AccountInfoDouble(ACCOUNT_EQUITY));
   writer.PutNumber("margin",AccountInfoDouble(ACCOUNT_MARGIN));
   writer.PutNumber("margin_free",AccountInfoDouble(ACCOUNT_MARGIN_FREE));
   writer.PutNumber("margin_level",AccountInfoDouble(ACCOUNT_MARGIN_LEVEL));
   writer.PutNumber("profit",AccountInfoDouble(ACCOUNT_PROFIT));
   writer.PutNumber("credit",AccountInfoDouble(ACCOUNT_CREDIT));
   writer.CloseObject();
  }
#endif
//+------------------------------------------------------------------+
