//+------------------------------------------------------------------+
//|                                                         Text.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_TEXT_MQH
#define RUBI_TEXT_MQH
//+------------------------------------------------------------------+
//| A part of a text; a length of 0 is nothing, never "to the end"   |
//+------------------------------------------------------------------+
string RubiCut(const string text,const int from,const int count)
  {
   if(count<=0)
      return("");
   return(StringSubstr(text,from,count));
  }
//+------------------------------------------------------------------+
//| A 64-bit ticket in decimal                                       |
//+------------------------------------------------------------------+
string RubiTicket(const ulong ticket)
  {
   return(StringFormat("%I64u",ticket));
  }
//+------------------------------------------------------------------+
//| A ticket out of its decimal text, 0 when it is none              |
//+------------------------------------------------------------------+
ulong RubiToTicket(const string text)
  {
   long value=StringToInteger(text);
   if(value<0)
      return(0);
   return((ulong)value);
  }
//+------------------------------------------------------------------+
//| The shortest plain decimal of a number, at most 8 decimals       |
//+------------------------------------------------------------------+
string RubiNumber(const double value)
  {
   if(!MathIsValidNumber(value))
      return("null");
   string text=DoubleToString(value,8);
   int    size=StringLen(text);
   while(size>0 && StringGetCharacter(text,size-1)=='0')
      size--;
   if(size>0 && StringGetCharacter(text,size-1)=='.')
      size--;
   text=RubiCut(text,0,size);
   if(text=="-0" || text=="")
      return("0");
   return(text);
  }
//+------------------------------------------------------------------+
//| A number out of JSON text; an exponent is understood             |
//+------------------------------------------------------------------+
double RubiToDouble(const string text)
  {
   int mark=StringFind(text,"e");
   if(mark<0)
      mark=StringFind(text,"E");
   if(mark<0)
      return(StringToDouble(text));
   double mantissa=StringToDouble(RubiCut(text,0,mark));
   double exponent=(double)StringToInteger(StringSubstr(text,mark+1));
//--- dividing by a whole power keeps 1e-05 exact
   if(exponent<0.0)
      return(mantissa/MathPow(10.0,-exponent));
   return(mantissa*MathPow(10.0,exponent));
  }
//+------------------------------------------------------------------+
//| The name of an enum value without MT5's prefix                   |
//+------------------------------------------------------------------+
string RubiName(const string full,const string prefix)
  {
   if(StringFind(full,prefix)==0)
      return(StringSubstr(full,StringLen(prefix)));
   return(full);
  }
//+------------------------------------------------------------------+
//| A text that is safe as a file or folder name                     |
//+------------------------------------------------------------------+
string RubiFileName(const string text)
  {
   string name="";
   int    size=StringLen(text);
   for(int i=0; i<size; i++)
     {
      ushort letter=StringGetCharacter(text,i);
      bool   plain=((letter>='a' && letter<='z') || (letter>='A' && letter<='Z') || (letter>='0' && letter<='9')
                    || letter=='-' || letter=='_' || letter=='.' || letter=='@');
      if(plain)
         name+=ShortToString(letter);
      else
         name+="_";
     }
   return(name);
  }
//+------------------------------------------------------------------+
//| Unix milliseconds as UTC ISO 8601                                |
//+------------------------------------------------------------------+
string RubiIso(const long milliseconds)
  {
   MqlDateTime parts;
   TimeToStruct((datetime)(milliseconds/1000),parts);
   return(StringFormat("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",parts.year,parts.mon,parts.day,
                       parts.hour,parts.min,parts.sec,(int)(milliseconds%1000)));
  }
//+------------------------------------------------------------------+
//| UTC ISO 8601 as unix milliseconds, 0 when it is none             |
//+------------------------------------------------------------------+
long RubiFromIso(const string text)
  {
   if(StringLen(text)<19 || StringGetCharacter(text,10)!='T')
      return(0);
   string day=StringSubstr(text,0,10);
   StringReplace(day,"-",".");
   long stamp=(long)StringToTime(day+" "+StringSubstr(text,11,8));
   if(stamp<=0)
      return(0);
   stamp*=1000;
   if(StringLen(text)>20 && StringGetCharacter(text,19)=='.')
     {
      int    from=20;
      string fraction="";
      while(from<StringLen(text) && StringLen(fraction)<3
            && StringGetCharacter(text,from)>='0' && StringGetCharacter(text,from)<='9')
        {
         fraction+=StringSubstr(text,from,1);
         from++;
        }
      while(StringLen(fraction)<3)
         fraction+="0";
      stamp+=StringToInteger(fraction);
     }
   return(stamp);
  }
//+------------------------------------------------------------------+
//| Is every letter whole: no half of a surrogate pair, no zero      |
//+------------------------------------------------------------------+
bool RubiWholeLetters(const string text)
  {
   int size=StringLen(text);
   for(int i=0; i<size; i++)
     {
      ushort letter=StringGetCharacter(text,i);
      if(letter==0 || (letter>=0xDC00 && letter<=0xDFFF))
         return(false);
      if(letter<0xD800 || letter>0xDBFF)
         continue;
      i++;
      if(i>=size)
         return(false);
      ushort low=StringGetCharacter(text,i);
      if(low<0xDC00 || low>0xDFFF)
         return(false);
     }
   return(true);
  }
#endif
//+------------------------------------------------------------------+
