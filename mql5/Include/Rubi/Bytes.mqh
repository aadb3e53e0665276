//+------------------------------------------------------------------+
//|                                                        Bytes.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_BYTES_MQH
#define RUBI_BYTES_MQH
#include "Defines.mqh"
//+------------------------------------------------------------------+
//| UTF-8 bytes of a text, without the terminating zero              |
//+------------------------------------------------------------------+
int RubiToBytes(const string text,uchar &bytes[])
  {
   int size=StringToCharArray(text,bytes,0,WHOLE_ARRAY,CP_UTF8);
   if(size>0)
      size--;
   ArrayResize(bytes,size);
   return(size);
  }
//+------------------------------------------------------------------+
//| How many bytes a text has as UTF-8                               |
//+------------------------------------------------------------------+
int RubiByteSize(const string text)
  {
   int size=StringLen(text);
   int bytes=0;
   for(int i=0; i<size; i++)
     {
      ushort letter=StringGetCharacter(text,i);
      //--- each half of a surrogate pair is two of its four bytes
      if(letter<0x80)
         bytes++;
      else
         bytes+=(letter<0x800 || (letter>=0xD800 && letter<=0xDFFF)) ? 2 : 3;
     }
   return(bytes);
  }
//+------------------------------------------------------------------+
//| The text of UTF-8 bytes                                          |
//+------------------------------------------------------------------+
string RubiFromBytes(uchar &bytes[],const int from,const int count)
  {
   if(count<=0)
      return("");
   return(CharArrayToString(bytes,from,count,CP_UTF8));
  }
//+------------------------------------------------------------------+
//| Lower-case hexadecimal                                           |
//+------------------------------------------------------------------+
string RubiHex(const uchar &bytes[])
  {
   string text="";
   int    size=ArraySize(bytes);
   for(int i=0; i<size; i++)
      text+=StringFormat("%02x",(int)bytes[i]);
   return(text);
  }
//+------------------------------------------------------------------+
//| SHA-256 of bytes; false when the terminal cannot                 |
//+------------------------------------------------------------------+
bool RubiSha256(const uchar &bytes[],uchar &digest[])
  {
   uchar key[];
   return(CryptEncode(CRYPT_HASH_SHA256,bytes,key,digest)==32);
  }
//+------------------------------------------------------------------+
//| SHA-256 of a text's UTF-8, hexadecimal; empty when it failed     |
//+------------------------------------------------------------------+
string RubiSha256Hex(const string text)
  {
   uchar bytes[];
   uchar digest[];
   RubiToBytes(text,bytes);
   if(!RubiSha256(bytes,digest))
      return("");
   return(RubiHex(digest));
  }
//+------------------------------------------------------------------+
//| A name the service takes as a key: a long one by its SHA-256     |
//+------------------------------------------------------------------+
string RubiKey(const string name)
  {
   if(StringLen(name)<=RUBI_KEY_LETTERS)
      return(name);
   return("sha256:"+RubiSha256Hex(name));
  }
//+------------------------------------------------------------------+
//| HMAC-SHA-256 (RFC 2104), hexadecimal; empty when it failed       |
//+------------------------------------------------------------------+
string RubiHmacHex(const string secret,const string text)
  {
   uchar key[];
   uchar message[];
   uchar inner[];
   uchar outer[];
   uchar digest[];
   int   key_size=RubiToBytes(secret,key);
   if(key_size>64)
     {
      uchar folded[];
      if(!RubiSha256(key,folded))
         return("");
      key_size=32;
      ArrayResize(key,key_size);
      for(int i=0; i<key_size; i++)
         key[i]=folded[i];
     }
   int size=RubiToBytes(text,message);
   ArrayResize(inner,64+size);
   ArrayResize(outer,96);
   for(int i=0; i<64; i++)
     {
      uchar letter=0;
      if(i<key_size)
         letter=key[i];
      inner[i]=(uchar)(letter^0x36);
      outer[i]=(uchar)(letter^0x5c);
     }
   for(int i=0; i<size; i++)
      inner[64+i]=message[i];
   if(!RubiSha256(inner,digest))
      return("");
   for(int i=0; i<32; i++)
      outer[64+i]=digest[i];
   if(!RubiSha256(outer,digest))
      return("");
   return(RubiHex(digest));
  }
//+------------------------------------------------------------------+
//| A version 4 UUID; the seed makes it differ between machines      |
//+------------------------------------------------------------------+
string RubiUuid(const string seed)
  {
   string noise=seed;
   for(int i=0; i<16; i++)
      noise+=StringFormat("|%d",MathRand());
   noise+=StringFormat("|%I64u|%I64u|%I64d|%I64d",GetMicrosecondCount(),GetTickCount64(),(long)TimeLocal(),ChartID());
   string hex=RubiSha256Hex(noise);
   return(StringSubstr(hex,0,8)+"-"+StringSubstr(hex,8,4)+"-4"+StringSubstr(hex,13,3)
          +"-a"+StringSubstr(hex,17,3)+"-"+StringSubstr(hex,20,12));
  }
#endif
//+------------------------------------------------------------------+
