//+------------------------------------------------------------------+
//|                                                        Panel.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_PANEL_MQH
#define RUBI_PANEL_MQH
#include "Defines.mqh"
//+------------------------------------------------------------------+
//| Class CRubiPanel.                                                |
//| Purpose: the status on the chart, by Comment().                  |
//+------------------------------------------------------------------+
class CRubiPanel
  {
private:
   string            m_shown;
   string            m_state;
   string            m_trading;
   string            m_work;

   void              Show(void);

public:
                     CRubiPanel(void);
   void              State(const string text);
   void              Trading(const string text);
   void              Work(const string text);
   void              Clear(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiPanel::CRubiPanel(void)
  {
   m_shown="";
   m_state="";
   m_trading="";
   m_work="";
  }
//+------------------------------------------------------------------+
//| Draw when something changed                                      |
//+------------------------------------------------------------------+
void CRubiPanel::Show(void)
  {
   string text="Rubi Studio "+RUBI_VERSION+"\n"+m_state+"\n"+m_trading+"\n"+m_work;
   if(text==m_shown)
      return;
   m_shown=text;
   Comment(text);
  }
//+------------------------------------------------------------------+
//| Connected or why not                                             |
//+------------------------------------------------------------------+
void CRubiPanel::State(const string text)
  {
   m_state=text;
   Show();
  }
//+------------------------------------------------------------------+
//| May it trade or why not                                          |
//+------------------------------------------------------------------+
void CRubiPanel::Trading(const string text)
  {
   m_trading=text;
   Show();
  }
//+------------------------------------------------------------------+
//| What it did                                                      |
//+------------------------------------------------------------------+
void CRubiPanel::Work(const string text)
  {
   m_work=text;
   Show();
  }
//+------------------------------------------------------------------+
//| Leave the chart as it was                                        |
//+------------------------------------------------------------------+
void CRubiPanel::Clear(void)
  {
   m_shown="";
   Comment("");
  }
#endif
//+------------------------------------------------------------------+
