//+------------------------------------------------------------------+
//|                                                         Desk.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_DESK_MQH
#define RUBI_DESK_MQH
#include "Account.mqh"
#include "Bars.mqh"
#include "Clock.mqh"
#include "Deals.mqh"
#include "Folders.mqh"
#include "Guard.mqh"
#include "Http.mqh"
#include "Inbox.mqh"
#include "Instance.mqh"
#include "Journal.mqh"
#include "Market.mqh"
#include "Orders.mqh"
#include "Outbox.mqh"
#include "Panel.mqh"
#include "Positions.mqh"
#include "Recovery.mqh"
#include "Settings.mqh"
#include "Symbols.mqh"
//+------------------------------------------------------------------+
//| Class CRubiDesk.                                                 |
//| Purpose: all parts of the connector, bound to one account.       |
//|          Another account is another folder, lock and session.    |
//+------------------------------------------------------------------+
class CRubiDesk
  {
protected:
   CRubiClock        m_clock;
   CRubiHttp         m_http;
   CRubiInstance     m_instance;
   CRubiJournal      m_journal;
   CRubiOutbox       m_outbox;
   CRubiInbox        m_inbox;
   CRubiGuard        m_guard;
   CRubiOrders       m_orders;
   CRubiRecovery     m_recovery;
   CRubiPositions    m_positions;
   CRubiDeals        m_deals;
   CRubiSymbols      m_symbols;
   CRubiMarket       m_market;
   CRubiBars         m_bars;
   CRubiPanel        m_panel;
   string            m_account;

                     CRubiDesk(void);
   void              Equip(const CRubiSettings &settings);
   bool              Bind(const string account);
   void              Unbind(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiDesk::CRubiDesk(void)
  {
   m_account="";
  }
//+------------------------------------------------------------------+
//| Give every part its inputs                                       |
//+------------------------------------------------------------------+
void CRubiDesk::Equip(const CRubiSettings &settings)
  {
   m_clock.Reset();
   m_http.Configure(settings);
   m_guard.Configure(settings);
   m_orders.Configure(settings);
   m_deals.Configure(settings);
   m_symbols.Configure(settings);
   m_market.Configure(settings);
   m_bars.Configure(settings);
  }
//+------------------------------------------------------------------+
//| Open the files and take the lock of an account                   |
//+------------------------------------------------------------------+
bool CRubiDesk::Bind(const string account)
  {
   string folder=RUBI_FOLDER+"/"+account;
   Unbind();
   RubiMakeFolder(folder,0);
   if(!m_instance.Open(account,folder))
     {
      m_panel.State("Another chart runs the connector for this account, or MQL5/Files/"+folder+" cannot be written");
      Unbind();
      return(false);
     }
   if(!m_instance.Take())
     {
      m_panel.State("Another chart runs the connector for this account");
      Unbind();
      return(false);
     }
   bool opened=(m_journal.Open(folder,m_clock.NowSeconds()) && m_outbox.Open(folder));
   if(!opened)
     {
      m_panel.State("Cannot open the journal in MQL5/Files/"+folder+": see the Experts tab");
      Unbind();
      return(false);
     }
   m_inbox.Open(account,folder);
   m_orders.Bind(account);
   m_recovery.Bind();
   m_positions.Reset();
   m_bars.Reset();
   m_deals.Resume(0);
   m_symbols.Refresh();
   m_account=account;
   ExtLog.Info(StringFormat("account %s, terminal %s, %d orders in the journal, %d signals waiting",account,
                            m_instance.Id(),m_journal.Count(),m_outbox.Count()));
   return(true);
  }
//+------------------------------------------------------------------+
//| Close the files and give the lock back                           |
//+------------------------------------------------------------------+
void CRubiDesk::Unbind(void)
  {
   m_journal.Close();
   m_outbox.Close();
   m_instance.Release();
   m_account="";
  }
#endif
//+------------------------------------------------------------------+
