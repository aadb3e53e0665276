//+------------------------------------------------------------------+
//|                                                   JsonWriter.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_JSON_WRITER_MQH
#define RUBI_JSON_WRITER_MQH
#include "Text.mqh"
//+------------------------------------------------------------------+
//| Class CRubiJsonWriter.                                           |
//| Purpose: JSON text, the same on every locale.                    |
//|          An empty key writes an item of a list.                  |
//+------------------------------------------------------------------+
class CRubiJsonWriter
  {
private:
   string            m_text;
   bool              m_comma;

   void              Begin(const string key);

public:
                     CRubiJsonWriter(void);
   void              Reset(void);
   string            Text(void) const;
   int               Size(void) const;
   static string     Quote(const string text);
   void              OpenObject(const string key);
   void              CloseObject(void);
   void              OpenList(const string key);
   void              CloseList(void);
   void              PutText(const string key,const string value);
   void              PutTextOrNull(const string key,const string value);
   void              PutLong(const string key,const long value);
   void              PutTicket(const string key,const ulong value);
   void              PutTicketOrNull(const string key,const ulong value);
   void              PutNumber(const string key,const double value);
   void              PutPositive(const string key,const double value);
   void              PutFlag(const string key,const bool value);
   void              PutNull(const string key);
   void              PutRaw(const string key,const string json);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiJsonWriter::CRubiJsonWriter(void)
  {
   m_text="";
   m_comma=false;
  }
//+------------------------------------------------------------------+
//| Start again                                                      |
//+------------------------------------------------------------------+
void CRubiJsonWriter::Reset(void)
  {
   m_text="";
   m_comma=false;
  }
//+------------------------------------------------------------------+
//| What was written                                                 |
//+------------------------------------------------------------------+
string CRubiJsonWriter::Text(void) const
  {
   return(m_text);
  }
//+------------------------------------------------------------------+
//| Characters written                                               |
//+------------------------------------------------------------------+
int CRubiJsonWriter::Size(void) const
  {
   return(StringLen(m_text));
  }
//+------------------------------------------------------------------+
//| A quoted JSON string                                             |
//+------------------------------------------------------------------+
string CRubiJsonWriter::Quote(const string text)
  {
   string quoted="\"";
   int    size=StringLen(text);
   int    plain=0;
   for(int i=0; i<size; i++)
     {
      ushort letter=StringGetCharacter(text,i);
      bool   high=(letter>=0xD800 && letter<=0xDBFF);
      bool   low=(letter>=0xDC00 && letter<=0xDFFF);
      if(letter>=0x20 && letter!='"' && letter!='\\' && !high && !low)
         continue;
      if(high && i+1<size)
        {
         ushort next=StringGetCharacter(text,i+1);
         if(next>=0xDC00 && next<=0xDFFF)
           {
            //--- a whole pair stays as it is
            i++;
            continue;
           }
        }
      quoted+=RubiCut(text,plain,i-plain);
      plain=i+1;
      if(letter=='"')
         quoted+="\\\"";
      else
         if(letter=='\\')
            quoted+="\\\\";
         else
            if(high || low)
               quoted+="\\ufffd";
            else
               quoted+=StringFormat("\\u%04x",(int)letter);
     }
   quoted+=RubiCut(text,plain,size-plain);
   return(quoted+"\"");
  }
//+------------------------------------------------------------------+
//| Comma and key in front of a value                                |
//+------------------------------------------------------------------+
void CRubiJsonWriter::Begin(const string key)
  {
   if(m_comma)
      m_text+=",";
   if(key!="")
      m_text+=Quote(key)+":";
   m_comma=true;
  }
//+------------------------------------------------------------------+
//| Begin an object                                                  |
//+------------------------------------------------------------------+
void CRubiJsonWriter::OpenObject(const string key)
  {
   Begin(key);
   m_text+="{";
   m_comma=false;
  }
//+------------------------------------------------------------------+
//| End an object                                                    |
//+------------------------------------------------------------------+
void CRubiJsonWriter::CloseObject(void)
  {
   m_text+="}";
   m_comma=true;
  }
//+------------------------------------------------------------------+
//| Begin a list                                                     |
//+------------------------------------------------------------------+
void CRubiJsonWriter::OpenList(const string key)
  {
   Begin(key);
   m_text+="[";
   m_comma=false;
  }
//+------------------------------------------------------------------+
//| End a list                                                       |
//+------------------------------------------------------------------+
void CRubiJsonWriter::CloseList(void)
  {
   m_text+="]";
   m_comma=true;
  }
//+------------------------------------------------------------------+
//| A string                                                         |
//+------------------------------------------------------------------+
void CRubiJsonWriter::PutText(const string key,const string value)
  {
   Begin(key);
   m_text+=Quote(value);
  }
//+------------------------------------------------------------------+
//| A string, or null for the empty one                              |
//+------------------------------------------------------------------+
void CRubiJsonWriter::PutTextOrNull(const string key,const string value)
  {
   Begin(key);
   if(value=="")
      m_text+="null";
   else
      m_text+=Quote(value);
  }
//+------------------------------------------------------------------+
//| A whole number                                                   |
//+------------------------------------------------------------------+
void CRubiJsonWriter::PutLong(const string key,const long value)
  {
   Begin(key);
   m_text+=IntegerToString(value);
  }
//+------------------------------------------------------------------+
//| A 64-bit ticket, as a string                                     |
//+------------------------------------------------------------------+
void CRubiJsonWriter::PutTicket(const string key,const ulong value)
  {
   Begin(key);
   m_text+="\""+RubiTicket(value)+"\"";
  }
//+------------------------------------------------------------------+
//| A 64-bit ticket, or null for none                                |
//+------------------------------------------------------------------+
void CRubiJsonWriter::PutTicketOrNull(const string key,const ulong value)
  {
   if(value>0)
      PutTicket(key,value);
   else
      PutNull(key);
  }
//+------------------------------------------------------------------+
//| A decimal number, null when it is not finite                     |
//+------------------------------------------------------------------+
void CRubiJsonWriter::PutNumber(const string key,const double value)
  {
   Begin(key);
   m_text+=RubiNumber(value);
  }
//+------------------------------------------------------------------+
//| A decimal number, null when it is not positive                   |
//+------------------------------------------------------------------+
void CRubiJsonWriter::PutPositive(const string key,const double value)
  {
   if(value>0.0)
      PutNumber(key,value);
   else
      PutNull(key);
  }
//+------------------------------------------------------------------+
//| true or false                                                    |
//+------------------------------------------------------------------+
void CRubiJsonWriter::PutFlag(const string key,const bool value)
  {
   Begin(key);
   if(value)
      m_text+="true";
   else
      m_text+="false";
  }
//+------------------------------------------------------------------+
//| null                                                             |
//+------------------------------------------------------------------+
void CRubiJsonWriter::PutNull(const string key)
  {
   Begin(key);
   m_text+="null";
  }
//+------------------------------------------------------------------+
//| Finished JSON                                                    |
//+------------------------------------------------------------------+
void CRubiJsonWriter::PutRaw(const string key,const string json)
  {
   Begin(key);
   m_text+=json;
  }
#endif
//+------------------------------------------------------------------+
