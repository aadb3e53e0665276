//+------------------------------------------------------------------+
//|                                                     Instance.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_INSTANCE_MQH
#define RUBI_INSTANCE_MQH
#include "Defines.mqh"
#include "JsonReader.mqh"
#include "JsonWriter.mqh"
#include "Lines.mqh"
//+------------------------------------------------------------------+
//| Class CRubiInstance.                                             |
//| Purpose: who this terminal is, and that it is the only one that  |
//|          works for the account. Two locks: instance.log is kept  |
//|          open alone, which ends with the program however it      |
//|          ends; and a global variable holds the tick of the       |
//|          owner's last heartbeat.                                 |
//+------------------------------------------------------------------+
class CRubiInstance
  {
private:
   CRubiLines        m_file;
   string            m_id;
   string            m_name;
   double            m_held;

   double            Tick(void) const;

public:
                     CRubiInstance(void);
   bool              Open(const string account,const string folder);
   string            Id(void) const;
   bool              Owner(void) const;
   bool              Take(void);
   bool              Beat(void);
   void              Release(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiInstance::CRubiInstance(void)
  {
   m_id="";
   m_name="";
   m_held=0.0;
  }
//+------------------------------------------------------------------+
//| Read or make the identity of this terminal                       |
//+------------------------------------------------------------------+
bool CRubiInstance::Open(const string account,const string folder)
  {
   CRubiJsonReader reader;
   string          lines[];
   m_id="";
   m_held=0.0;
   m_file.Close();
   m_name="Rubi."+StringSubstr(RubiSha256Hex(account),0,24);
   if(!m_file.Open(folder+"/instance.log",lines))
      return(false);
//--- a copied data folder is another terminal
   string home=StringSubstr(RubiSha256Hex(TerminalInfoString(TERMINAL_DATA_PATH)),0,16);
   int    count=ArraySize(lines);
   if(count>0 && reader.Parse(lines[count-1]) && reader.TextOf(reader.Root(),"home")==home)
      m_id=reader.TextOf(reader.Root(),"terminal_instance_id");
   bool kept=true;
   if(m_id=="")
     {
      CRubiJsonWriter writer;
      m_id=RubiUuid(account+home);
      writer.OpenObject("");
      writer.PutText("terminal_instance_id",m_id);
      writer.PutText("home",home);
      writer.CloseObject();
      kept=m_file.Append(writer.Text());
     }
   return(kept);
  }
//+------------------------------------------------------------------+
//| The terminal_instance_id                                         |
//+------------------------------------------------------------------+
string CRubiInstance::Id(void) const
  {
   return(m_id);
  }
//+------------------------------------------------------------------+
//| Is the lock ours                                                 |
//+------------------------------------------------------------------+
bool CRubiInstance::Owner(void) const
  {
   return(m_held>0.0);
  }
//+------------------------------------------------------------------+
//| A tick that is never 0                                           |
//+------------------------------------------------------------------+
double CRubiInstance::Tick(void) const
  {
   return((double)(GetTickCount64()+1));
  }
//+------------------------------------------------------------------+
//| Take the lock when nobody has it or its owner has been silent    |
//+------------------------------------------------------------------+
bool CRubiInstance::Take(void)
  {
   if(m_held>0.0)
      return(true);
   double now=Tick();
//--- lives as long as the terminal: no lock survives a crash of it
   GlobalVariableTemp(m_name);
   double held=GlobalVariableGet(m_name);
   bool   free=(held<=0.0 || held>now || now-held>RUBI_LOCK_STALE_MS);
   if(!free || !GlobalVariableSetOnCondition(m_name,now,held))
      return(false);
   m_held=now;
   return(true);
  }
//+------------------------------------------------------------------+
//| Say that the owner lives; false when another has taken over      |
//+------------------------------------------------------------------+
bool CRubiInstance::Beat(void)
  {
   if(m_held<=0.0)
      return(false);
   double now=Tick();
   if(now-m_held<RUBI_LOCK_BEAT_MS)
      return(GlobalVariableGet(m_name)==m_held);
   if(!GlobalVariableSetOnCondition(m_name,now,m_held))
     {
      m_held=0.0;
      return(false);
     }
   m_held=now;
   return(true);
  }
//+------------------------------------------------------------------+
//| Give the lock back                                               |
//+------------------------------------------------------------------+
void CRubiInstance::Release(void)
  {
   if(m_held>0.0)
      GlobalVariableSetOnCondition(m_name,0.0,m_held);
   m_held=0.0;
   m_file.Close();
  }
#endif
//+------------------------------------------------------------------+
