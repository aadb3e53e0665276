//+------------------------------------------------------------------+
//|                                                   JsonReader.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_JSON_READER_MQH
#define RUBI_JSON_READER_MQH
#include "Defines.mqh"
#include "JsonScanner.mqh"
//--- deeper than any message of the service
#define RUBI_JSON_DEPTH          64
//+------------------------------------------------------------------+
//| Kinds of a JSON value                                            |
//+------------------------------------------------------------------+
enum ENUM_RUBI_JSON
  {
   RUBI_JSON_NULL,
   RUBI_JSON_FALSE,
   RUBI_JSON_TRUE,
   RUBI_JSON_NUMBER,
   RUBI_JSON_STRING,
   RUBI_JSON_LIST,
   RUBI_JSON_OBJECT
  };
//+------------------------------------------------------------------+
//| One value: where it stands in the text, and its relatives        |
//+------------------------------------------------------------------+
struct SRubiNode
  {
   ENUM_RUBI_JSON    kind;
   int               key_from;
   int               key_size;
   int               from;
   int               size;
   int               next;
   int               child;
  };
//+------------------------------------------------------------------+
//| Class CRubiJsonReader.                                           |
//| Purpose: strict JSON without recursion; numbers stay text until  |
//|          somebody asks. A node is an int, -1 is "absent".        |
//+------------------------------------------------------------------+
class CRubiJsonReader : public CRubiJsonScanner
  {
private:
   SRubiNode         m_nodes[];
   int               m_count;
   int               m_stack[];
   int               m_last[];
   int               m_depth;

   bool              AddNode(const int key_from,const int key_size);

public:
                     CRubiJsonReader(void);
   bool              Parse(const string text);
   int               Root(void) const;
   ENUM_RUBI_JSON    Kind(const int node) const;
   int               First(const int node) const;
   int               Next(const int node) const;
   int               Find(const int node,const string key) const;
   bool              Present(const int node) const;
   string            Text(const int node) const;
   string            Raw(const int node) const;
   string            Key(const int node) const;
   string            Json(const int node) const;
   bool              Sound(void) const;
   long              Long(const int node) const;
   ulong             Ticket(const int node) const;
   double            Number(const int node) const;
   bool              Flag(const int node) const;
   string            TextOf(const int node,const string key) const;
   long              LongOf(const int node,const string key) const;
   double            NumberOf(const int node,const string key) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiJsonReader::CRubiJsonReader(void)
  {
   m_count=0;
   m_depth=0;
  }
//+------------------------------------------------------------------+
//| A node as the next child of the open list or object              |
//+------------------------------------------------------------------+
bool CRubiJsonReader::AddNode(const int key_from,const int key_size)
  {
   int node=m_count;
   if(node>=ArraySize(m_nodes))
     {
      if(ArrayResize(m_nodes,node+256,4096)<0)
         return(false);
     }
   m_count++;
   m_nodes[node].kind=RUBI_JSON_NULL;
   m_nodes[node].key_from=key_from;
   m_nodes[node].key_size=key_size;
   m_nodes[node].from=m_pos;
   m_nodes[node].size=0;
   m_nodes[node].next=-1;
   m_nodes[node].child=-1;
   if(m_depth>0)
     {
      int parent=m_stack[m_depth-1];
      int last=m_last[m_depth-1];
      if(last<0)
         m_nodes[parent].child=node;
      else
         m_nodes[last].next=node;
      m_last[m_depth-1]=node;
     }
   return(true);
  }
//+------------------------------------------------------------------+
//| Read a whole text; false when it is not JSON                     |
//+------------------------------------------------------------------+
bool CRubiJsonReader::Parse(const string text)
  {
   Attach(text);
   m_count=0;
   m_depth=0;
   ArrayResize(m_stack,RUBI_JSON_DEPTH);
   ArrayResize(m_last,RUBI_JSON_DEPTH);
   bool opened=false;     // just after [ or {
   bool closed=false;     // just after a value
   while(true)
     {
      SkipSpace();
      ushort letter=Letter(m_pos);
      if(closed)
        {
         if(m_depth==0)
            return(m_pos==m_size);
         if(letter==',')
           {
            m_pos++;
            closed=false;
            continue;
           }
        }
      if(m_depth>0 && (closed || opened))
        {
         int    open=m_stack[m_depth-1];
         ushort end=']';
         if(m_nodes[open].kind==RUBI_JSON_OBJECT)
            end='}';
         if(letter==end)
           {
            m_pos++;
            m_nodes[open].size=m_pos-m_nodes[open].from;
            m_depth--;
            opened=false;
            closed=true;
            continue;
           }
         if(closed)
            break;
        }
      opened=false;
      int key_from=0;
      int key_size=0;
      if(m_depth>0 && m_nodes[m_stack[m_depth-1]].kind==RUBI_JSON_OBJECT)
        {
         if(!ScanString(key_from,key_size))
            break;
         SkipSpace();
         if(Letter(m_pos)!=':')
            break;
         m_pos++;
         SkipSpace();
         letter=Letter(m_pos);
        }
      if(!AddNode(key_from,key_size))
         break;
      int node=m_count-1;
      if(letter=='{' || letter=='[')
        {
         if(m_depth>=RUBI_JSON_DEPTH)
            break;
         m_nodes[node].kind=(letter=='{') ? RUBI_JSON_OBJECT : RUBI_JSON_LIST;
         m_stack[m_depth]=node;
         m_last[m_depth]=-1;
         m_depth++;
         m_pos++;
         opened=true;
         continue;
        }
      int  from=m_pos;
      int  size=0;
      bool good=false;
      if(letter=='"')
        {
         m_nodes[node].kind=RUBI_JSON_STRING;
         good=ScanString(from,size);
        }
      else
        {
         if(letter=='t')
           {
            m_nodes[node].kind=RUBI_JSON_TRUE;
            good=ScanWord("true");
           }
         else
            if(letter=='f')
              {
               m_nodes[node].kind=RUBI_JSON_FALSE;
               good=ScanWord("false");
              }
            else
               if(letter=='n')
                  good=ScanWord("null");
               else
                 {
                  m_nodes[node].kind=RUBI_JSON_NUMBER;
                  good=ScanNumber();
                 }
         size=m_pos-from;
        }
      if(!good)
         break;
      m_nodes[node].from=from;
      m_nodes[node].size=size;
      closed=true;
     }
   m_count=0;
   return(false);
  }
//+------------------------------------------------------------------+
//| The outermost value                                              |
//+------------------------------------------------------------------+
int CRubiJsonReader::Root(void) const
  {
   if(m_count>0)
      return(0);
   return(-1);
  }
//+------------------------------------------------------------------+
//| What a value is; an absent one is null                           |
//+------------------------------------------------------------------+
ENUM_RUBI_JSON CRubiJsonReader::Kind(const int node) const
  {
   if(node<0 || node>=m_count)
      return(RUBI_JSON_NULL);
   return(m_nodes[node].kind);
  }
//+------------------------------------------------------------------+
//| First member of a list or object, -1 for none                    |
//+------------------------------------------------------------------+
int CRubiJsonReader::First(const int node) const
  {
   if(node<0 || node>=m_count)
      return(-1);
   return(m_nodes[node].child);
  }
//+------------------------------------------------------------------+
//| The following member, -1 at the end                              |
//+------------------------------------------------------------------+
int CRubiJsonReader::Next(const int node) const
  {
   if(node<0 || node>=m_count)
      return(-1);
   return(m_nodes[node].next);
  }
//+------------------------------------------------------------------+
//| A member of an object by its key, -1 for none                    |
//+------------------------------------------------------------------+
int CRubiJsonReader::Find(const int node,const string key) const
  {
   if(Kind(node)!=RUBI_JSON_OBJECT)
      return(-1);
   for(int child=First(node); child>=0; child=Next(child))
     {
      if(Key(child)==key)
         return(child);
     }
   return(-1);
  }
//+------------------------------------------------------------------+
//| Absent and null are the same                                     |
//+------------------------------------------------------------------+
bool CRubiJsonReader::Present(const int node) const
  {
   return(Kind(node)!=RUBI_JSON_NULL);
  }
//+------------------------------------------------------------------+
//| The text as it stands, a string without its quotes               |
//+------------------------------------------------------------------+
string CRubiJsonReader::Raw(const int node) const
  {
   if(!Present(node))
      return("");
   return(RubiCut(m_text,m_nodes[node].from,m_nodes[node].size));
  }
//+------------------------------------------------------------------+
//| A string resolved, a number as it stands, empty for null         |
//+------------------------------------------------------------------+
string CRubiJsonReader::Text(const int node) const
  {
   if(Kind(node)==RUBI_JSON_STRING)
      return(Unescape(m_nodes[node].from,m_nodes[node].size));
   return(Raw(node));
  }
//+------------------------------------------------------------------+
//| The key of a member, resolved                                    |
//+------------------------------------------------------------------+
string CRubiJsonReader::Key(const int node) const
  {
   if(node<0 || node>=m_count)
      return("");
   return(Unescape(m_nodes[node].key_from,m_nodes[node].key_size));
  }
//+------------------------------------------------------------------+
//| A value as JSON                                                  |
//+------------------------------------------------------------------+
string CRubiJsonReader::Json(const int node) const
  {
   if(!Present(node))
      return("null");
   if(Kind(node)==RUBI_JSON_STRING)
      return("\""+Raw(node)+"\"");
   return(Raw(node));
  }
//+------------------------------------------------------------------+
//| Would every other reader take it too: whole letters in all texts,|
//| finite numbers of a size that money has                          |
//+------------------------------------------------------------------+
bool CRubiJsonReader::Sound(void) const
  {
   if(StringFind(m_text,"\\u0000")>=0)
      return(false);
   for(int i=0; i<m_count; i++)
     {
      if(!RubiWholeLetters(Key(i)))
         return(false);
      if(m_nodes[i].kind==RUBI_JSON_STRING && !RubiWholeLetters(Text(i)))
         return(false);
      if(m_nodes[i].kind!=RUBI_JSON_NUMBER)
         continue;
      double value=Number(i);
      if(m_nodes[i].size>RUBI_NUMBER_LETTERS || !MathIsValidNumber(value) || MathAbs(value)>=RUBI_NUMBER_MAX)
         return(false);
     }
   return(true);
  }
//+------------------------------------------------------------------+
//| A whole number out of a number or a string                       |
//+------------------------------------------------------------------+
long CRubiJsonReader::Long(const int node) const
  {
   return(StringToInteger(Text(node)));
  }
//+------------------------------------------------------------------+
//| A ticket out of a number or a string                             |
//+------------------------------------------------------------------+
ulong CRubiJsonReader::Ticket(const int node) const
  {
   return(RubiToTicket(Text(node)));
  }
//+------------------------------------------------------------------+
//| A decimal number out of a number or a string                     |
//+------------------------------------------------------------------+
double CRubiJsonReader::Number(const int node) const
  {
   if(!Present(node))
      return(0.0);
   return(RubiToDouble(Text(node)));
  }
//+------------------------------------------------------------------+
//| True for true only                                               |
//+------------------------------------------------------------------+
bool CRubiJsonReader::Flag(const int node) const
  {
   return(Kind(node)==RUBI_JSON_TRUE);
  }
//+------------------------------------------------------------------+
//| A member's text                                                  |
//+------------------------------------------------------------------+
string CRubiJsonReader::TextOf(const int node,const string key) const
  {
   return(Text(Find(node,key)));
  }
//+------------------------------------------------------------------+
//| A member's whole number                                          |
//+------------------------------------------------------------------+
long CRubiJsonReader::LongOf(const int node,const string key) const
  {
   return(Long(Find(node,key)));
  }
//+------------------------------------------------------------------+
//| A member's decimal number                                        |
//+------------------------------------------------------------------+
double CRubiJsonReader::NumberOf(const int node,const string key) const
  {
   return(Number(Find(node,key)));
  }
#endif
//+------------------------------------------------------------------+
