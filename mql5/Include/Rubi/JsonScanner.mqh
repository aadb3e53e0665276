//+------------------------------------------------------------------+
//|                                                  JsonScanner.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_JSON_SCANNER_MQH
#define RUBI_JSON_SCANNER_MQH
#include "Text.mqh"
//+------------------------------------------------------------------+
//| Class CRubiJsonScanner.                                          |
//| Purpose: the words of strict JSON: strings, numbers, literals.   |
//+------------------------------------------------------------------+
class CRubiJsonScanner
  {
protected:
   string            m_text;
   int               m_size;
   int               m_pos;

                     CRubiJsonScanner(void);
   void              Attach(const string text);
   ushort            Letter(const int position) const;
   void              SkipSpace(void);
   bool              ScanString(int &from,int &size);
   bool              ScanNumber(void);
   bool              ScanDigits(void);
   bool              ScanWord(const string word);
   string            Unescape(const int from,const int size) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiJsonScanner::CRubiJsonScanner(void)
  {
   m_text="";
   m_size=0;
   m_pos=0;
  }
//+------------------------------------------------------------------+
//| Begin at the first letter of a text                              |
//+------------------------------------------------------------------+
void CRubiJsonScanner::Attach(const string text)
  {
   m_text=text;
   m_size=StringLen(text);
   m_pos=0;
  }
//+------------------------------------------------------------------+
//| A letter of the text, 0 beyond its end                           |
//+------------------------------------------------------------------+
ushort CRubiJsonScanner::Letter(const int position) const
  {
   if(position>=m_size)
      return(0);
   return(StringGetCharacter(m_text,position));
  }
//+------------------------------------------------------------------+
//| Pass the white space                                             |
//+------------------------------------------------------------------+
void CRubiJsonScanner::SkipSpace(void)
  {
   while(m_pos<m_size)
     {
      ushort letter=StringGetCharacter(m_text,m_pos);
      if(letter!=' ' && letter!='\t' && letter!='\n' && letter!='\r')
         return;
      m_pos++;
     }
  }
//+------------------------------------------------------------------+
//| A string at the position; the range is without its quotes        |
//+------------------------------------------------------------------+
bool CRubiJsonScanner::ScanString(int &from,int &size)
  {
   if(Letter(m_pos)!='"')
      return(false);
   m_pos++;
   from=m_pos;
   while(m_pos<m_size)
     {
      ushort letter=StringGetCharacter(m_text,m_pos);
      if(letter=='"')
        {
         size=m_pos-from;
         m_pos++;
         return(true);
        }
      if(letter<0x20)
         return(false);
      if(letter=='\\')
        {
         m_pos++;
         ushort escape=Letter(m_pos);
         if(escape=='u')
           {
            for(int i=1; i<=4; i++)
              {
               ushort digit=Letter(m_pos+i);
               bool   hex=((digit>='0' && digit<='9') || (digit>='a' && digit<='f') || (digit>='A' && digit<='F'));
               if(!hex)
                  return(false);
              }
            m_pos+=4;
           }
         else
            if(escape!='"' && escape!='\\' && escape!='/' && escape!='b' && escape!='f'
               && escape!='n' && escape!='r' && escape!='t')
               return(false);
        }
      m_pos++;
     }
   return(false);
  }
//+------------------------------------------------------------------+
//| At least one digit                                               |
//+------------------------------------------------------------------+
bool CRubiJsonScanner::ScanDigits(void)
  {
   int from=m_pos;
   while(Letter(m_pos)>='0' && Letter(m_pos)<='9')
      m_pos++;
   return(m_pos>from);
  }
//+------------------------------------------------------------------+
//| A number as JSON writes it                                       |
//+------------------------------------------------------------------+
bool CRubiJsonScanner::ScanNumber(void)
  {
   if(Letter(m_pos)=='-')
      m_pos++;
   bool zero=(Letter(m_pos)=='0');
   int  from=m_pos;
   if(!ScanDigits())
      return(false);
   if(zero && m_pos>from+1)
      return(false);
   if(Letter(m_pos)=='.')
     {
      m_pos++;
      if(!ScanDigits())
         return(false);
     }
   if(Letter(m_pos)=='e' || Letter(m_pos)=='E')
     {
      m_pos++;
      if(Letter(m_pos)=='+' || Letter(m_pos)=='-')
         m_pos++;
      if(!ScanDigits())
         return(false);
     }
   return(true);
  }
//+------------------------------------------------------------------+
//| true, false or null                                              |
//+------------------------------------------------------------------+
bool CRubiJsonScanner::ScanWord(const string word)
  {
   int size=StringLen(word);
   if(m_pos+size>m_size || StringSubstr(m_text,m_pos,size)!=word)
      return(false);
   m_pos+=size;
   return(true);
  }
//+------------------------------------------------------------------+
//| A string's range with its escapes resolved                       |
//+------------------------------------------------------------------+
string CRubiJsonScanner::Unescape(const int from,const int size) const
  {
   string raw=RubiCut(m_text,from,size);
   if(StringFind(raw,"\\")<0)
      return(raw);
   string text="";
   int    plain=0;
   for(int i=0; i<size; i++)
     {
      if(StringGetCharacter(raw,i)!='\\')
         continue;
      text+=RubiCut(raw,plain,i-plain);
      i++;
      ushort escape=StringGetCharacter(raw,i);
      ushort letter=escape;
      switch(escape)
        {
         case 'b':
            letter=8;
            break;
         case 'f':
            letter=12;
            break;
         case 'n':
            letter='\n';
            break;
         case 'r':
            letter='\r';
            break;
         case 't':
            letter='\t';
            break;
         case 'u':
           {
            int code=0;
            for(int k=1; k<=4; k++)
              {
               int digit=(int)StringGetCharacter(raw,i+k);
               if(digit>='a')
                  digit-='a'-10;
               else
                  if(digit>='A')
                     digit-='A'-10;
                  else
                     digit-='0';
               code=code*16+digit;
              }
            i+=4;
            letter=(ushort)code;
            break;
           }
         default:
            break;
        }
      //--- a zero would end the string early
      if(letter==0)
         letter=0xFFFD;
      text+=ShortToString(letter);
      plain=i+1;
     }
   return(text+RubiCut(raw,plain,size-plain));
  }
#endif
//+------------------------------------------------------------------+
