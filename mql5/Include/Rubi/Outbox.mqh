//+------------------------------------------------------------------+
//|                                                       Outbox.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_OUTBOX_MQH
#define RUBI_OUTBOX_MQH
#include "Bytes.mqh"
#include "Defines.mqh"
#include "Folders.mqh"
#include "JsonReader.mqh"
#include "JsonWriter.mqh"
#include "Lines.mqh"
//+------------------------------------------------------------------+
//| Class CRubiOutbox.                                               |
//| Purpose: signals wait here, on disk and in order, until the      |
//|          service has acknowledged them.                          |
//+------------------------------------------------------------------+
class CRubiOutbox
  {
private:
   CRubiLines        m_file;
   string            m_keys[];
   string            m_bodies[];
   int               m_count;
   int               m_done;           // delivered ones that the file still has
   string            m_folder;

   int               Find(const string key) const;
   void              Insert(const string key,const string body);
   void              Drop(const int index);
   string            AddLine(const string key,const string body) const;
   void              Compact(void);

public:
                     CRubiOutbox(void);
   bool              Open(const string folder);
   void              Close(void);
   int               Count(void) const;
   bool              Add(const string key,const string body);
   bool              Remove(const string key);
   void              SetAside(const int index,const string reason);
   int               Write(CRubiJsonWriter &writer,const int limit) const;
   string            Body(const int index) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiOutbox::CRubiOutbox(void)
  {
   m_count=0;
   m_done=0;
   m_folder="";
  }
//+------------------------------------------------------------------+
//| Open the outbox of an account and read what waits                |
//+------------------------------------------------------------------+
bool CRubiOutbox::Open(const string folder)
  {
   string          lines[];
   CRubiJsonReader reader;
   m_count=0;
   m_done=0;
   m_folder=folder;
   if(!m_file.Open(folder+"/outbox.log",lines))
      return(false);
   int total=ArraySize(lines);
   for(int i=0; i<total; i++)
     {
      if(!reader.Parse(lines[i]))
         continue;
      int    root=reader.Root();
      string key=reader.TextOf(root,"key");
      int    index=Find(key);
      if(reader.TextOf(root,"event")=="ADD")
        {
         if(index<0)
            Insert(key,reader.Raw(reader.Find(root,"body")));
        }
      else
         if(index>=0)
            Drop(index);
     }
//--- a key that the service does not take is never acknowledged
   for(int i=m_count-1; i>=0; i--)
     {
      if(m_keys[i]=="" || StringLen(m_keys[i])>RUBI_KEY_LETTERS)
         SetAside(i,"its key has not 1 to 128 characters");
     }
//--- what was delivered need not be read again next time
   if(total>m_count)
      Compact();
   return(m_file.IsOpen());
  }
//+------------------------------------------------------------------+
//| Write the file anew with what waits only                         |
//+------------------------------------------------------------------+
void CRubiOutbox::Compact(void)
  {
   string kept[];
   ArrayResize(kept,m_count);
   for(int i=0; i<m_count; i++)
      kept[i]=AddLine(m_keys[i],m_bodies[i]);
   if(m_file.Replace(kept))
      m_done=0;
  }
//+------------------------------------------------------------------+
//| Close the file                                                   |
//+------------------------------------------------------------------+
void CRubiOutbox::Close(void)
  {
   m_file.Close();
  }
//+------------------------------------------------------------------+
//| Signals that wait                                                |
//+------------------------------------------------------------------+
int CRubiOutbox::Count(void) const
  {
   return(m_count);
  }
//+------------------------------------------------------------------+
//| Index of a key, -1 for none                                      |
//+------------------------------------------------------------------+
int CRubiOutbox::Find(const string key) const
  {
   for(int i=0; i<m_count; i++)
     {
      if(m_keys[i]==key)
         return(i);
     }
   return(-1);
  }
//+------------------------------------------------------------------+
//| Append in memory                                                 |
//+------------------------------------------------------------------+
void CRubiOutbox::Insert(const string key,const string body)
  {
   ArrayResize(m_keys,m_count+1,256);
   ArrayResize(m_bodies,m_count+1,256);
   m_keys[m_count]=key;
   m_bodies[m_count]=body;
   m_count++;
  }
//+------------------------------------------------------------------+
//| Take out of memory, the order of the others stays                |
//+------------------------------------------------------------------+
void CRubiOutbox::Drop(const int index)
  {
   for(int i=index+1; i<m_count; i++)
     {
      m_keys[i-1]=m_keys[i];
      m_bodies[i-1]=m_bodies[i];
     }
   m_count--;
  }
//+------------------------------------------------------------------+
//| The line of a waiting signal                                     |
//+------------------------------------------------------------------+
string CRubiOutbox::AddLine(const string key,const string body) const
  {
   CRubiJsonWriter writer;
   writer.OpenObject("");
   writer.PutText("event","ADD");
   writer.PutText("key",key);
   writer.PutRaw("body",body);
   writer.CloseObject();
   return(writer.Text());
  }
//+------------------------------------------------------------------+
//| Keep a signal (a JSON object that holds its key); true when it   |
//| is on disk                                                       |
//+------------------------------------------------------------------+
bool CRubiOutbox::Add(const string key,const string body)
  {
   if(Find(key)>=0)
      return(true);
   if(!m_file.Append(AddLine(key,body)))
      return(false);
   Insert(key,body);
   return(true);
  }
//+------------------------------------------------------------------+
//| The service has it                                               |
//+------------------------------------------------------------------+
bool CRubiOutbox::Remove(const string key)
  {
   int index=Find(key);
   if(index<0)
      return(false);
   CRubiJsonWriter writer;
   writer.OpenObject("");
   writer.PutText("event","DONE");
   writer.PutText("key",key);
   writer.CloseObject();
   m_file.Append(writer.Text());
   Drop(index);
   m_done++;
   if(m_done>m_count && m_file.Size()>RUBI_COMPACT_BYTES)
      Compact();
   return(true);
  }
//+------------------------------------------------------------------+
//| Take a signal out that can never be delivered; it is kept as a   |
//| file for the person                                              |
//+------------------------------------------------------------------+
void CRubiOutbox::SetAside(const int index,const string reason)
  {
   if(index<0 || index>=m_count)
      return;
   string key=m_keys[index];
   string body=m_bodies[index];
   string path=m_folder+"/inbox/"+StringSubstr(RubiSha256Hex(key),0,16)+".json.bad";
   uchar  bytes[];
   int    size=RubiToBytes(body,bytes);
   bool   kept=false;
   RubiMakeFolder(m_folder+"/inbox",0);
   int handle=FileOpen(path,FILE_WRITE|FILE_BIN);
   if(handle!=INVALID_HANDLE)
     {
      kept=((int)FileWriteArray(handle,bytes,0,size)==size);
      FileClose(handle);
     }
   ExtLog.Error("signal "+RubiCut(key,0,64)+" set aside: "+reason+"; "+(kept ? "it is kept as MQL5/Files/"+path : body));
   Remove(key);
  }
//+------------------------------------------------------------------+
//| Write the oldest signals                                         |
//+------------------------------------------------------------------+
int CRubiOutbox::Write(CRubiJsonWriter &writer,const int limit) const
  {
   int count=m_count;
   if(count>limit)
      count=limit;
   if(count<=0)
      return(0);
   int from=writer.Size();
   int written=0;
   writer.OpenList("signals");
   for(int i=0; i<count && writer.Size()-from<RUBI_SIGNALS_LETTERS; i++)
     {
      writer.PutRaw("",m_bodies[i]);
      written++;
     }
   writer.CloseList();
   return(written);
  }
//+------------------------------------------------------------------+
//| A waiting signal                                                 |
//+------------------------------------------------------------------+
string CRubiOutbox::Body(const int index) const
  {
   if(index<0 || index>=m_count)
      return("");
   return(m_bodies[index]);
  }
#endif
//+------------------------------------------------------------------+
