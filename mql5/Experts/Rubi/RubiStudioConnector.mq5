//+------------------------------------------------------------------+
//|                                          RubiStudioConnector.mq5 |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#property copyright   "Copyright 2025, Rubi Studio"
#property link        "https://www.rubi-studio.com/"
#property version     "3.10"
#property description "Connects this terminal to a Rubi Studio service."
#property description "Add BackendURL to Tools > Options > Expert Advisors > Allow WebRequest."
#include <Rubi/Connector.mqh>

input group "Service"
input string          BackendURL="https://api.rubi-studio.com"; // Address of the service
input string          APIToken="";                // EA token of the service
input string          HmacSecret="";              // Secret that signs requests (optional)
input int             CheckInterval=5000;         // Longest pause between calls, ms
input int             RequestTimeout=3000;        // Time-out of a call, ms (500..3000)
input int             LongPollMs=1000;            // The service may hold a call, ms (0..1500)
input group "Trading"
input bool            EnableAutoTrading=true;     // Execute orders of the service
input double          MaxRiskPercent=2.0;         // Most that a stop may lose, % of equity
input int             MaxOpenPositions=5;         // Most positions on the account
input double          MaxLot=10.0;                // Most lots of one order
input int             MaxOrdersPerMinute=30;      // Most orders in a minute (closes are free)
input bool            DemoOnly=true;              // Never trade a real account
input bool            DryRun=false;               // Check everything, send nothing
input bool            RequireStopLoss=true;       // Refuse to open without a stop
input int             Deviation=20;               // Slippage when the service names none, points
input int             MaxQuoteAge=60;             // Oldest quote to open on, s
input long            MagicNumber=20251023;       // Magic when the service names none
input group "Data"
input string          Symbols="";                 // Symbols to watch (empty: Market Watch)
input bool            SendTicks=true;             // Send ticks
input bool            SendBars=true;              // Send closed bars
input string          BarsTimeframes="M1,H1,D1";  // Timeframes of the bars
input int             HistoryDays=90;             // Days of history for a new service
input ENUM_RUBI_LOG   LogLevel=RUBI_LOG_INFO;     // What goes to the Experts tab

CRubiConnector        ExtConnector;
//+------------------------------------------------------------------+
//| Expert initialization function                                   |
//+------------------------------------------------------------------+
int OnInit(void)
  {
   CRubiSettings settings;
   ExtLog.Level(LogLevel);
   settings.Service(BackendURL,APIToken,HmacSecret,CheckInterval,RequestTimeout,LongPollMs);
   settings.Limits(EnableAutoTrading,MaxRiskPercent,MaxOpenPositions,MaxLot,MaxOrdersPerMinute);
   settings.Habits(DemoOnly,DryRun,RequireStopLoss,Deviation,MaxQuoteAge,MagicNumber);
   settings.Data(Symbols,SendTicks,SendBars,BarsTimeframes,HistoryDays);
   return(ExtConnector.Start(settings));
  }
//+------------------------------------------------------------------+
//| Expert deinitialization function                                 |
//+------------------------------------------------------------------+
void OnDeinit(const int reason)
  {
   ExtConnector.Stop();
  }
//+------------------------------------------------------------------+
//| Timer function                                                   |
//+------------------------------------------------------------------+
void OnTimer(void)
  {
   ExtConnector.OnTimerEvent();
  }
//+------------------------------------------------------------------+
//| Trade function                                                   |
//+------------------------------------------------------------------+
void OnTrade(void)
  {
   ExtConnector.OnTradeEvent();
  }
//+------------------------------------------------------------------+
//| TradeTransaction function                                        |
//+------------------------------------------------------------------+
void OnTradeTransaction(const MqlTradeTransaction &trans,
                        const MqlTradeRequest &request,
                        const MqlTradeResult &result)
  {
   ExtConnector.OnTransactionEvent(trans);
  }
//+------------------------------------------------------------------+
