//+------------------------------------------------------------------+
//|                                                    RubiCheck.mq5 |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#property copyright   "Copyright 2025, Rubi Studio"
#property link        "https://www.rubi-studio.com/"
#property version     "1.00"
#property description "Says why the connector does not reach the service or does not trade."
#property script_show_inputs
#include <Rubi/Account.mqh>

input string BackendURL="https://api.rubi-studio.com"; // Address of the service
//+------------------------------------------------------------------+
//| What an outcome of WebRequest means                              |
//+------------------------------------------------------------------+
string Meaning(const int status,const int error)
  {
   if(status==200)
      return("the service answers");
   if(status>=100 && status<=599)
      return("something answers, but not as the service would: is the address right?");
   switch(error)
     {
      case 4014:
         return("add the address in Tools > Options > Expert Advisors > Allow WebRequest for listed URL");
      case 5200:
         return("the address is not valid");
      case 5201:
         return("no connection: is the service running, does a firewall block it?");
      case 5202:
         return("no answer in time");
      default:
         return("the request failed: is the certificate valid, is a proxy in between?");
     }
  }
//+------------------------------------------------------------------+
//| Script program start function                                    |
//+------------------------------------------------------------------+
void OnStart(void)
  {
   char   data[];
   char   result[];
   string answered="";
   string account=CRubiAccount::Key();
   string block=CRubiAccount::TradeBlock();
   if(account=="")
      account="none is open";
   if(block=="")
      block="everything that trading needs is allowed";
   Print("Account: "+account);
   Print("Trading: "+block);
   if(CRubiAccount::Real())
      Print("The account is real: the connector trades it only with DemoOnly=false");
   ResetLastError();
   int status=WebRequest("GET",BackendURL+"/health","",3000,data,result,answered);
   int error=GetLastError();
   Print(StringFormat("Service: WebRequest returned %d, error %d: %s",status,error,Meaning(status,error)));
  }
//+------------------------------------------------------------------+
