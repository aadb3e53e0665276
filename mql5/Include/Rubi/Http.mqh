//+------------------------------------------------------------------+
//|                                                         Http.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_HTTP_MQH
#define RUBI_HTTP_MQH
#include "Settings.mqh"
#include "Bytes.mqh"
#include "Log.mqh"
//--- outcome of a call besides an HTTP status
#define RUBI_HTTP_NO_ANSWER      0
#define RUBI_HTTP_NOT_ALLOWED    (-1)
//+------------------------------------------------------------------+
//| Class CRubiHttp.                                                 |
//| Purpose: one POST of JSON. Anything outside 100-599 is "no       |
//|          answer", whatever the terminal calls it.                |
//+------------------------------------------------------------------+
class CRubiHttp
  {
private:
   string            m_url;
   string            m_token;
   string            m_secret;
   int               m_timeout;
   int               m_error;
   int               m_status;
   int               m_retry_after;
   bool              m_told;

   string            Headers(const string body) const;
   int               RetryAfter(const string headers) const;

public:
                     CRubiHttp(void);
   void              Configure(const CRubiSettings &settings);
   int               Post(const string path,const string body,const int wait,string &answer);
   int               Error(void) const;
   int               Status(void) const;
   int               RetryAfterMs(void) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiHttp::CRubiHttp(void)
  {
   m_url="";
   m_token="";
   m_secret="";
   m_timeout=RUBI_TIMEOUT_MAX_MS;
   m_error=0;
   m_status=0;
   m_retry_after=0;
   m_told=false;
  }
//+------------------------------------------------------------------+
//| Take the address and the token                                   |
//+------------------------------------------------------------------+
void CRubiHttp::Configure(const CRubiSettings &settings)
  {
   m_url=settings.m_url;
   m_token=settings.m_token;
   m_secret=settings.m_secret;
   m_timeout=settings.m_timeout;
   m_told=false;
  }
//+------------------------------------------------------------------+
//| Request headers; the signature covers the exact body             |
//+------------------------------------------------------------------+
string CRubiHttp::Headers(const string body) const
  {
   string headers="Content-Type: application/json\r\nAccept: application/json\r\nAuthorization: Bearer "+m_token+"\r\n";
   if(m_secret!="")
      headers+="X-Rubi-Signature: sha256="+RubiHmacHex(m_secret,body)+"\r\n";
   return(headers);
  }
//+------------------------------------------------------------------+
//| Milliseconds of a Retry-After header, 0 for none                 |
//+------------------------------------------------------------------+
int CRubiHttp::RetryAfter(const string headers) const
  {
   string lower=headers;
   StringToLower(lower);
   int from=StringFind(lower,"retry-after:");
   if(from<0)
      return(0);
   string value=StringSubstr(lower,from+12);
   int    end=StringFind(value,"\r");
   if(end<0)
      end=StringFind(value,"\n");
   if(end>=0)
      value=RubiCut(value,0,end);
   StringTrimLeft(value);
   long seconds=StringToInteger(value);
   if(seconds<=0)
      return(0);
   if(seconds>300)
      seconds=300;
   return((int)seconds*1000);
  }
//+------------------------------------------------------------------+
//| Send one body; returns the HTTP status, RUBI_HTTP_NO_ANSWER or   |
//| RUBI_HTTP_NOT_ALLOWED. The answer is read for status 200 only.   |
//+------------------------------------------------------------------+
int CRubiHttp::Post(const string path,const string body,const int wait,string &answer)
  {
   char   data[];
   char   result[];
   string headers=Headers(body);
   string answered="";
   string url=m_url+path;
   answer="";
   m_retry_after=0;
//--- UTF-8 without the terminating zero that StringToCharArray adds
   int size=StringToCharArray(body,data,0,WHOLE_ARRAY,CP_UTF8);
   if(size>0)
      ArrayResize(data,size-1);
   ResetLastError();
   m_status=WebRequest("POST",url,headers,m_timeout+wait,data,result,answered);
   m_error=GetLastError();
   if(m_status<100 || m_status>599)
     {
      if(m_status==-1 && m_error==4014)
        {
         if(!m_told)
            Alert("Rubi: MetaTrader blocks the service. Open Tools > Options > Expert Advisors, "
                  +"tick \"Allow WebRequest for listed URL\" and add exactly: "+m_url);
         m_told=true;
         return(RUBI_HTTP_NOT_ALLOWED);
        }
      return(RUBI_HTTP_NO_ANSWER);
     }
   m_error=0;
   m_told=false;
   if(m_status==200 && ArraySize(result)>0)
      answer=CharArrayToString(result,0,WHOLE_ARRAY,CP_UTF8);
   if(m_status!=200)
      m_retry_after=RetryAfter(answered);
   return(m_status);
  }
//+------------------------------------------------------------------+
//| The terminal's error of the last call                            |
//+------------------------------------------------------------------+
int CRubiHttp::Error(void) const
  {
   return(m_error);
  }
//+------------------------------------------------------------------+
//| What WebRequest returned last                                    |
//+------------------------------------------------------------------+
int CRubiHttp::Status(void) const
  {
   return(m_status);
  }
//+------------------------------------------------------------------+
//| How long the service asked to be left alone, milliseconds        |
//+------------------------------------------------------------------+
int CRubiHttp::RetryAfterMs(void) const
  {
   return(m_retry_after);
  }
#endif
//+------------------------------------------------------------------+
