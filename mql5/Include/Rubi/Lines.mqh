//+------------------------------------------------------------------+
//|                                                        Lines.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_LINES_MQH
#define RUBI_LINES_MQH
#include "Bytes.mqh"
#include "Text.mqh"
#include "Log.mqh"
//--- letters of the checksum in front of a line
#define RUBI_LINE_MARK           16
//+------------------------------------------------------------------+
//| Class CRubiLines.                                                |
//| Purpose: an append-only file of checksummed lines. A line counts |
//|          only when it is whole, so a torn last line is nothing.  |
//|          "1a2b3c4d5e6f7a8b {json}\n", UTF-8, flushed each.       |
//+------------------------------------------------------------------+
class CRubiLines
  {
private:
   int               m_handle;
   string            m_path;
   int               m_damaged;
   bool              m_torn;           // the last write may have left a part of a line

   bool              Rescue(void) const;
   bool              WriteText(const int handle,const string text);
   string            Sealed(const string line) const;

public:
                     CRubiLines(void);
                    ~CRubiLines(void);
   bool              Open(const string path,string &lines[]);
   void              Close(void);
   bool              IsOpen(void) const;
   bool              Append(const string line);
   bool              Replace(const string &lines[]);
   long              Size(void) const;
   int               Damaged(void) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiLines::CRubiLines(void)
  {
   m_handle=INVALID_HANDLE;
   m_path="";
   m_damaged=0;
   m_torn=false;
  }
//+------------------------------------------------------------------+
//| Destructor                                                       |
//+------------------------------------------------------------------+
CRubiLines::~CRubiLines(void)
  {
   Close();
  }
//+------------------------------------------------------------------+
//| Open or make the file and read its whole lines                   |
//+------------------------------------------------------------------+
bool CRubiLines::Open(const string path,string &lines[])
  {
   Close();
   ArrayResize(lines,0);
   m_path=path;
   m_damaged=0;
   m_torn=false;
   if(!Rescue())
      return(false);
//--- no shared writing: a second program cannot open the same journal
   ResetLastError();
   m_handle=FileOpen(path,FILE_READ|FILE_WRITE|FILE_BIN|FILE_SHARE_READ);
   if(m_handle==INVALID_HANDLE)
     {
      ExtLog.Error(StringFormat("cannot open MQL5/Files/%s, error %d; does another chart run the connector?",path,GetLastError()));
      return(false);
     }
   uchar bytes[];
   int   size=(int)FileSize(m_handle);
   if(size>0)
     {
      FileSeek(m_handle,0,SEEK_SET);
      if((int)FileReadArray(m_handle,bytes,0,size)!=size)
        {
         ExtLog.Error(StringFormat("cannot read MQL5/Files/%s, error %d",path,GetLastError()));
         Close();
         return(false);
        }
     }
   int count=0;
   int from=0;
   for(int i=0; i<size; i++)
     {
      if(bytes[i]!='\n')
         continue;
      string line=RubiFromBytes(bytes,from,i-from);
      from=i+1;
      if(line=="")
         continue;
      string body=RubiCut(line,RUBI_LINE_MARK+1,StringLen(line)-RUBI_LINE_MARK-1);
      if(body=="" || Sealed(body)!=line)
        {
         m_damaged++;
         continue;
        }
      ArrayResize(lines,count+1,1024);
      lines[count]=body;
      count++;
     }
   FileSeek(m_handle,0,SEEK_END);
   if(from<size)
     {
      //--- the torn line of a crash: what it announced was never done.
      //--- Take it out; where that fails, end it.
      if(m_damaged==0 && Replace(lines))
         return(true);
      if(m_handle==INVALID_HANDLE || !WriteText(m_handle,"\n"))
        {
         Close();
         return(false);
        }
     }
   return(true);
  }
//+------------------------------------------------------------------+
//| End what a crash left of Replace. Where the old file is gone the |
//| new one is whole: it was closed before. An empty file in its place|
//| would forget every order.                                        |
//+------------------------------------------------------------------+
bool CRubiLines::Rescue(void) const
  {
   string fresh=m_path+".new";
   if(!FileIsExist(fresh))
      return(true);
   if(FileIsExist(m_path))
     {
      FileDelete(fresh);
      return(true);
     }
   if(FileMove(fresh,0,m_path,0))
      return(true);
   ExtLog.Error(StringFormat("cannot move MQL5/Files/%s back to its place, error %d",fresh,GetLastError()));
   return(false);
  }
//+------------------------------------------------------------------+
//| Close the file                                                   |
//+------------------------------------------------------------------+
void CRubiLines::Close(void)
  {
   if(m_handle!=INVALID_HANDLE)
      FileClose(m_handle);
   m_handle=INVALID_HANDLE;
  }
//+------------------------------------------------------------------+
//| Is there a file to write to                                      |
//+------------------------------------------------------------------+
bool CRubiLines::IsOpen(void) const
  {
   return(m_handle!=INVALID_HANDLE);
  }
//+------------------------------------------------------------------+
//| A line with its checksum in front                                |
//+------------------------------------------------------------------+
string CRubiLines::Sealed(const string line) const
  {
   return(StringSubstr(RubiSha256Hex(line),0,RUBI_LINE_MARK)+" "+line);
  }
//+------------------------------------------------------------------+
//| Write text at the position and flush it                          |
//+------------------------------------------------------------------+
bool CRubiLines::WriteText(const int handle,const string text)
  {
   uchar bytes[];
   int   size=RubiToBytes(text,bytes);
   if(size==0)
      return(true);
   ResetLastError();
   if((int)FileWriteArray(handle,bytes,0,size)!=size)
     {
      ExtLog.Error(StringFormat("cannot write MQL5/Files/%s, error %d; is the disk full?",m_path,GetLastError()));
      return(false);
     }
   FileFlush(handle);
   return(true);
  }
//+------------------------------------------------------------------+
//| Append a line; true when it is on disk                           |
//+------------------------------------------------------------------+
bool CRubiLines::Append(const string line)
  {
   if(m_handle==INVALID_HANDLE)
      return(false);
//--- half a line of a write that failed must not swallow this one
   string text=Sealed(line)+"\n";
   if(m_torn)
      text="\n"+text;
   m_torn=!WriteText(m_handle,text);
   return(!m_torn);
  }
//+------------------------------------------------------------------+
//| Put other lines in the place of all; the old file stays whole    |
//| until the new one is                                             |
//+------------------------------------------------------------------+
bool CRubiLines::Replace(const string &lines[])
  {
   string fresh=m_path+".new";
   int    handle=FileOpen(fresh,FILE_WRITE|FILE_BIN);
   if(handle==INVALID_HANDLE)
      return(false);
   bool   written=true;
   int    count=ArraySize(lines);
   for(int i=0; i<count && written; i++)
      written=WriteText(handle,Sealed(lines[i])+"\n");
   FileClose(handle);
   if(!written)
     {
      FileDelete(fresh);
      return(false);
     }
   Close();
   bool moved=FileMove(fresh,0,m_path,FILE_REWRITE);
   if(!moved)
      ExtLog.Error(StringFormat("cannot replace MQL5/Files/%s, error %d",m_path,GetLastError()));
   m_handle=FileOpen(m_path,FILE_READ|FILE_WRITE|FILE_BIN|FILE_SHARE_READ);
   if(m_handle==INVALID_HANDLE)
      return(false);
   FileSeek(m_handle,0,SEEK_END);
   m_torn=(m_torn && !moved);
   return(moved);
  }
//+------------------------------------------------------------------+
//| Bytes in the file                                                |
//+------------------------------------------------------------------+
long CRubiLines::Size(void) const
  {
   if(m_handle==INVALID_HANDLE)
      return(0);
   return((long)FileSize(m_handle));
  }
//+------------------------------------------------------------------+
//| Lines that were not whole, without a torn last one               |
//+------------------------------------------------------------------+
int CRubiLines::Damaged(void) const
  {
   return(m_damaged);
  }
#endif
//+------------------------------------------------------------------+
