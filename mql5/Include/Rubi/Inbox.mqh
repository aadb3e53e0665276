//+------------------------------------------------------------------+
//|                                                        Inbox.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_INBOX_MQH
#define RUBI_INBOX_MQH
#include "Folders.mqh"
#include "Outbox.mqh"
//+------------------------------------------------------------------+
//| Class CRubiInbox.                                                |
//| Purpose: takes the signal files of strategies out of the common  |
//|          folder. A file is claimed by moving it into this        |
//|          terminal's own folder, so that only one terminal has it.|
//+------------------------------------------------------------------+
class CRubiInbox
  {
private:
   string            m_drop;
   string            m_own;

   int               List(const string folder,const int common,string &names[]) const;
   bool              ReadFile(const string path,string &text) const;
   string            Keyed(const CRubiJsonReader &reader,const string key) const;
   bool              Accept(const string name,const string text,CRubiOutbox &outbox) const;
   void              PutAside(const string name,const string reason) const;

public:
                     CRubiInbox(void);
   void              Open(const string account,const string folder);
   int               Collect(CRubiOutbox &outbox);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiInbox::CRubiInbox(void)
  {
   m_drop="";
   m_own="";
  }
//+------------------------------------------------------------------+
//| Look at the folder of an account                                 |
//+------------------------------------------------------------------+
void CRubiInbox::Open(const string account,const string folder)
  {
   m_drop=RUBI_SIGNAL_FOLDER+"/"+account;
   m_own=folder+"/inbox";
   RubiMakeFolder(m_drop,FILE_COMMON);
   RubiMakeFolder(m_own,0);
  }
//+------------------------------------------------------------------+
//| Signal files of a folder, oldest name first                      |
//+------------------------------------------------------------------+
int CRubiInbox::List(const string folder,const int common,string &names[]) const
  {
   string name="";
   int    count=0;
   ArrayResize(names,0);
   long   search=FileFindFirst(folder+"/*.json",name,common);
   if(search==INVALID_HANDLE)
      return(0);
   bool more=true;
   while(more && count<RUBI_SIGNALS_PER_SYNC)
     {
      //--- insertion keeps the names in order
      ArrayResize(names,count+1);
      int at=count;
      while(at>0 && StringCompare(names[at-1],name)>0)
        {
         names[at]=names[at-1];
         at--;
        }
      names[at]=name;
      count++;
      more=FileFindNext(search,name);
     }
   FileFindClose(search);
   return(count);
  }
//+------------------------------------------------------------------+
//| A whole file as UTF-8                                            |
//+------------------------------------------------------------------+
bool CRubiInbox::ReadFile(const string path,string &text) const
  {
   int handle=FileOpen(path,FILE_READ|FILE_BIN|FILE_SHARE_READ);
   if(handle==INVALID_HANDLE)
      return(false);
   uchar bytes[];
   int   size=(int)FileSize(handle);
   bool  whole=true;
   text="";
   if(size>RUBI_SIGNAL_CHARS*4)
      size=RUBI_SIGNAL_CHARS*4;
   if(size>0)
     {
      whole=((int)FileReadArray(handle,bytes,0,size)==size);
      text=RubiFromBytes(bytes,0,size);
     }
   FileClose(handle);
   return(whole);
  }
//+------------------------------------------------------------------+
//| Set a file aside that is no signal                               |
//+------------------------------------------------------------------+
void CRubiInbox::PutAside(const string name,const string reason) const
  {
   ExtLog.Error("signal file "+name+" set aside as .bad: "+reason);
   FileMove(m_own+"/"+name,0,m_own+"/"+name+".bad",FILE_REWRITE);
  }
//+------------------------------------------------------------------+
//| A signal with its one key; what stood under "key" is left out    |
//+------------------------------------------------------------------+
string CRubiInbox::Keyed(const CRubiJsonReader &reader,const string key) const
  {
   string body="{\"key\":"+CRubiJsonWriter::Quote(key);
   for(int node=reader.First(reader.Root()); node>=0; node=reader.Next(node))
     {
      if(reader.Key(node)!="key")
         body+=","+CRubiJsonWriter::Quote(reader.Key(node))+":"+reader.Json(node);
     }
   return(body+"}");
  }
//+------------------------------------------------------------------+
//| Put a file's signal into the outbox; false when the disk failed  |
//+------------------------------------------------------------------+
bool CRubiInbox::Accept(const string name,const string text,CRubiOutbox &outbox) const
  {
   CRubiJsonReader reader;
   if(StringLen(text)>RUBI_SIGNAL_CHARS || !reader.Parse(text) || reader.Kind(reader.Root())!=RUBI_JSON_OBJECT)
     {
      PutAside(name,"it is not a JSON object of at most 8000 letters");
      return(true);
     }
   int root=reader.Root();
   if(reader.TextOf(root,"symbol")=="" || reader.TextOf(root,"signal_type")=="")
     {
      PutAside(name,"symbol or signal_type is missing");
      return(true);
     }
   if(!reader.Sound())
     {
      PutAside(name,"it has half a letter or a number that is not finite, not below 1e15 or longer than 40 digits");
      return(true);
     }
//--- the service acknowledges by this key, so it must be one that it takes
   int            given=reader.Find(root,"key");
   ENUM_RUBI_JSON kind=reader.Kind(given);
   string         key="";
   if(kind==RUBI_JSON_STRING || kind==RUBI_JSON_NUMBER)
      key=reader.Text(given);
   if(key=="")
      key=RubiCut(name,0,StringLen(name)-5);
   key=RubiKey(key);
   if(!outbox.Add(key,Keyed(reader,key)))
      return(false);
   FileDelete(m_own+"/"+name,0);
   ExtLog.Info("signal "+key+" for "+reader.TextOf(root,"symbol")+" taken");
   return(true);
  }
//+------------------------------------------------------------------+
//| Claim and read what lies there; returns the number of files      |
//+------------------------------------------------------------------+
int CRubiInbox::Collect(CRubiOutbox &outbox)
  {
   string names[];
   int    count=List(m_drop,FILE_COMMON,names);
   for(int i=0; i<count; i++)
      FileMove(m_drop+"/"+names[i],FILE_COMMON,m_own+"/"+names[i],0);
   count=List(m_own,0,names);
   for(int i=0; i<count; i++)
     {
      string text="";
      if(!ReadFile(m_own+"/"+names[i],text))
         continue;
      if(!Accept(names[i],text,outbox))
         return(i);
     }
   return(count);
  }
#endif
//+------------------------------------------------------------------+
