//+------------------------------------------------------------------+
//|                                                    Connector.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_CONNECTOR_MQH
#define RUBI_CONNECTOR_MQH
#include "Session.mqh"
//--- how often small things are looked at, milliseconds
#define RUBI_LOOK_MS             250
#define RUBI_BACKLOG_MS          100
//--- unusable answers to the same body before something else is tried
#define RUBI_WRONG_ANSWERS       5
//+------------------------------------------------------------------+
//| Class CRubiConnector.                                            |
//| Purpose: the cycle. The network is used in OnTimer only, with    |
//|          one call per turn.                                      |
//+------------------------------------------------------------------+
class CRubiConnector : public CRubiSession
  {
private:
   bool              m_started;
   int               m_interval;
   int               m_wait;
   ulong             m_due;            // tick of the next call
   ulong             m_look;           // tick of the next look at files
   ulong             m_rebind;         // tick of the next try to bind
   int               m_failures;
   int               m_same_body;      // unusable answers to the same body

   void              Look(const ulong now);
   void              Call(void);
   void              Connect(void);
   void              Sync(void);
   bool              News(void) const;
   int               Patience(void) const;
   void              Success(void);
   void              Failure(const int status);
   void              Later(const long milliseconds);
   void              BackOff(const string reason);
   void              ShowTrading(void);

public:
                     CRubiConnector(void);
   int               Start(const CRubiSettings &settings);
   void              Stop(void);
   void              OnTimerEvent(void);
   void              OnTradeEvent(void);
   void              OnTransactionEvent(const MqlTradeTransaction &transaction);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiConnector::CRubiConnector(void)
  {
   m_started=false;
   m_interval=5000;
   m_wait=0;
   m_due=0;
   m_look=0;
   m_rebind=0;
   m_failures=0;
   m_same_body=0;
  }
//+------------------------------------------------------------------+
//| Begin; a terminal without a connection or an account is fine     |
//+------------------------------------------------------------------+
int CRubiConnector::Start(const CRubiSettings &settings)
  {
   m_started=false;
   if(MQLInfoInteger(MQL_TESTER)!=0)
     {
      Print("Rubi: the connector does not run in the strategy tester, which has no network");
      return(INIT_FAILED);
     }
   string fault=settings.Fault();
   if(fault!="")
     {
      Alert("Rubi: "+fault);
      return(INIT_PARAMETERS_INCORRECT);
     }
   if(settings.Overheard())
      Alert("Rubi: BackendURL begins with http:// and is not this machine: others on the way can read the token. Use https://");
   MathSrand((int)(GetTickCount64()%32768));
   Equip(settings);
   EndSession();
   m_interval=settings.m_interval;
   m_wait=settings.m_wait;
   m_due=0;
   m_look=0;
   m_rebind=0;
   m_failures=0;
   m_same_body=0;
   if(!EventSetMillisecondTimer(RUBI_TIMER_MS))
     {
      Print(StringFormat("Rubi: the terminal gives no timer, error %d",GetLastError()));
      return(INIT_FAILED);
     }
   m_panel.State("Starting");
   m_started=true;
   return(INIT_SUCCEEDED);
  }
//+------------------------------------------------------------------+
//| End, without the network: OnDeinit has 2.5 seconds. All that is  |
//| not delivered is on disk or at the broker.                       |
//+------------------------------------------------------------------+
void CRubiConnector::Stop(void)
  {
   EventKillTimer();
   Unbind();
   EndSession();
   if(m_started)
      m_panel.Clear();
   m_started=false;
  }
//+------------------------------------------------------------------+
//| Something was traded: history will have it                       |
//+------------------------------------------------------------------+
void CRubiConnector::OnTradeEvent(void)
  {
   m_deals.Dirty();
   if(m_failures==0)
      m_due=0;
  }
//+------------------------------------------------------------------+
//| Transactions come in any order and may be lost, so they only say |
//| when to look                                                     |
//+------------------------------------------------------------------+
void CRubiConnector::OnTransactionEvent(const MqlTradeTransaction &transaction)
  {
   switch(transaction.type)
     {
      case TRADE_TRANSACTION_DEAL_ADD:
      case TRADE_TRANSACTION_DEAL_UPDATE:
      case TRADE_TRANSACTION_HISTORY_ADD:
      case TRADE_TRANSACTION_ORDER_ADD:
      case TRADE_TRANSACTION_ORDER_DELETE:
      case TRADE_TRANSACTION_POSITION:
         OnTradeEvent();
         break;
      default:
         break;
     }
  }
//+------------------------------------------------------------------+
//| A turn                                                           |
//+------------------------------------------------------------------+
void CRubiConnector::OnTimerEvent(void)
  {
   if(!m_started)
      return;
   ulong  now=GetTickCount64();
   string account=CRubiAccount::Key();
   if(account!=m_account || !m_instance.Beat())
     {
      //--- another account, or another chart took over: nothing of the old session holds
      if(m_account!="")
        {
         ExtLog.Info("account "+m_account+" is let go");
         Unbind();
         EndSession();
         m_rebind=0;
        }
      if(account=="")
        {
         m_panel.State("Waiting for an account to be opened in the terminal");
         return;
        }
      if(now<m_rebind)
         return;
      m_rebind=now+1000;
      if(!Bind(account))
         return;
      m_failures=0;
      m_due=0;
     }
   if(now>=m_look)
      Look(now);
   if(now>=m_due)
      Call();
  }
//+------------------------------------------------------------------+
//| Signal files and orders whose end is not known                   |
//+------------------------------------------------------------------+
void CRubiConnector::Look(const ulong now)
  {
   int before=m_journal.Unacknowledged();
   m_look=now+RUBI_LOOK_MS;
   int signals=m_inbox.Collect(m_outbox);
   m_recovery.Look(m_journal,m_clock);
   if((signals>0 || m_journal.Unacknowledged()>before) && m_failures==0)
      m_due=0;
   ShowTrading();
  }
//+------------------------------------------------------------------+
//| One call of the service                                          |
//+------------------------------------------------------------------+
void CRubiConnector::Call(void)
  {
   if(m_session=="")
      Connect();
   else
      Sync();
  }
//+------------------------------------------------------------------+
//| Begin a session                                                  |
//+------------------------------------------------------------------+
void CRubiConnector::Connect(void)
  {
   string answer="";
   string body=ConnectBody();
   int    status=m_http.Post("/api/v1/mt5/connect",body,0,answer);
   if(status!=200)
     {
      Failure(status);
      return;
     }
   if(!TakeConnect(answer))
     {
      BackOff("The address answers, but it is not the Rubi service");
      return;
     }
   Success();
   ExtLog.Info(StringFormat("connected, epoch %I64d, %s",m_epoch,m_trading_state));
   m_due=0;
  }
//+------------------------------------------------------------------+
//| Tell everything, take orders                                     |
//+------------------------------------------------------------------+
void CRubiConnector::Sync(void)
  {
   string answer="";
   ulong  begun=GetTickCount64();
   if(m_body=="")
     {
      Compose(News() ? 0 : Patience());
      m_same_body=0;
     }
   int status=m_http.Post("/api/v1/mt5/sync",m_body,m_body_wait,answer);
   if(status!=200)
     {
      Failure(status);
      return;
     }
   if(!TakeSync(answer))
     {
      //--- all that matters is kept elsewhere, so a new session is no loss
      m_same_body++;
      if(m_same_body>=RUBI_WRONG_ANSWERS)
         EndSession();
      BackOff("An answer came that belongs to no question");
      return;
     }
   Success();
   long delay=m_interval;
   if(m_poll>0 && m_poll<delay)
      delay=m_poll;
//--- counted from the beginning: where the service held the call, the next one follows it; orders come in no pause
   if(m_body_wait>0 && m_body_wait<delay)
      delay=m_body_wait;
//--- results and backlog do not wait for the next poll
   if(m_deals.Backlog() && delay>RUBI_BACKLOG_MS)
      delay=RUBI_BACKLOG_MS;
   if(m_worked || (m_wait>0 && m_body_wait==0 && !News()))
      delay=0;
   m_due=begun+(ulong)delay;
  }
//+------------------------------------------------------------------+
//| Whether there is something to tell that no held call is to delay |
//+------------------------------------------------------------------+
bool CRubiConnector::News(void) const
  {
   return(m_journal.Unacknowledged()>0 || m_outbox.Count()>0 || m_deals.Waiting());
  }
//+------------------------------------------------------------------+
//| How long the service may hold a call: after an order not so long,|
//| its deals are still to come                                      |
//+------------------------------------------------------------------+
int CRubiConnector::Patience(void) const
  {
   return(m_poll>0 && m_poll<m_wait ? (int)m_poll : m_wait);
  }
//+------------------------------------------------------------------+
//| The service answered                                             |
//+------------------------------------------------------------------+
void CRubiConnector::Success(void)
  {
   m_failures=0;
   m_same_body=0;
   if(m_strip>0 && m_suspects==0)
      m_strip--;
   m_panel.State("Connected, "+m_trading_state+(m_books_fit ? "" : ", but there are too many positions to tell"));
   m_panel.Work(StringFormat("%d orders sent, %d reports and %d signals waiting",m_orders.Executed(),
                             m_journal.Unacknowledged(),m_outbox.Count()));
  }
//+------------------------------------------------------------------+
//| The service did not do it. An error means that nothing was done, |
//| no answer means that it is not known: then the same bytes again. |
//+------------------------------------------------------------------+
void CRubiConnector::Failure(const int status)
  {
   bool in_session=(m_session!="");
   switch(status)
     {
      case RUBI_HTTP_NOT_ALLOWED:
         BackOff("Error 4014: add the BackendURL to Tools > Options > Expert Advisors > Allow WebRequest");
         Later(10000);
         return;
      case RUBI_HTTP_NO_ANSWER:
         BackOff(StringFormat("No answer from the service (%d, error %d)",m_http.Status(),m_http.Error()));
         return;
      case 401:
      case 403:
         BackOff(StringFormat("%d: the APIToken is not valid or not for this account",status));
         Later(RUBI_BACKOFF_LAST_MS);
         return;
      case 404:
      case 409:
         EndSession();
         BackOff(in_session ? "The session has ended, connecting again" : "404 or 409: is the BackendURL right?");
         return;
      case 400:
      case 413:
      case 422:
         if(in_session)
            Discard(true);
         BackOff(StringFormat("%d: the service did not take the message",status));
         return;
      case 423:
         EndSession();
         BackOff("423: another terminal works for this account");
         Later(5000);
         return;
      case 429:
      case 503:
         BackOff(StringFormat("%d: the service is busy",status));
         if(m_http.RetryAfterMs()>0)
            Later(m_http.RetryAfterMs());
         return;
      default:
         m_same_body++;
         if(in_session && m_same_body>=RUBI_WRONG_ANSWERS && status>=500)
           {
            Discard(false);
            m_same_body=0;
           }
         BackOff(StringFormat("%d from the service",status));
         return;
     }
  }
//+------------------------------------------------------------------+
//| The next call, milliseconds from now                             |
//+------------------------------------------------------------------+
void CRubiConnector::Later(const long milliseconds)
  {
   m_due=GetTickCount64()+(ulong)milliseconds;
  }
//+------------------------------------------------------------------+
//| Wait longer after each failure, not all terminals at once        |
//+------------------------------------------------------------------+
void CRubiConnector::BackOff(const string reason)
  {
   long delay=RUBI_BACKOFF_FIRST_MS;
   for(int i=0; i<m_failures && delay<RUBI_BACKOFF_LAST_MS; i++)
      delay*=2;
   if(delay>RUBI_BACKOFF_LAST_MS)
      delay=RUBI_BACKOFF_LAST_MS;
   m_failures++;
   Later(delay/2+delay*MathRand()/65534);
   m_panel.State(reason);
   ExtLog.Error(reason);
  }
//+------------------------------------------------------------------+
//| Why it does or does not trade, for the chart                     |
//+------------------------------------------------------------------+
void CRubiConnector::ShowTrading(void)
  {
   string block=CRubiAccount::TradeBlock();
   string text="Trading";
   if(!m_guard.Trading())
      text="Not trading: EnableAutoTrading is false";
   else
      if(CRubiAccount::Real() && m_guard.DemoOnly())
         text="Not trading: a real account, and DemoOnly is true";
      else
         if(block!="")
            text="Not trading: "+block;
   m_panel.Trading(text);
  }
#endif
//+------------------------------------------------------------------+
