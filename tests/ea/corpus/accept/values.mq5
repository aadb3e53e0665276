enum EState { STATE_OFF=-1, STATE_ON=4, STATE_NEXT };
struct SItem { int n; string name; ulong ticket; double parts[2]; datetime at; };
int OnInit(void)
  {
   string text="Zürich \"A\"\t\x41";
   string parts[];
   uchar bytes[];
   if(StringLen(text)!=12 || StringToCharArray("é",bytes,0,WHOLE_ARRAY,CP_UTF8)!=3)
      return(1001);
   if(StringSplit("a,b,,c",',',parts)!=4 || parts[2]!="" || StringFind("abc","z")!=-1)
      return(1002);
   string nothing=NULL;
   if(nothing=="" || nothing!=NULL || StringLen(nothing)!=0)
      return(1003);
   if(EnumToString(STATE_NEXT)!="STATE_NEXT" || (int)STATE_NEXT!=5 || EnumToString(ORDER_TYPE_SELL_LIMIT)!="ORDER_TYPE_SELL_LIMIT")
      return(1004);
   if(StringFormat("%05d|%-4s|%I64u|%.3f|%%",42,"ab",(ulong)18446744073709551615,1.0005)!="00042|ab  |18446744073709551615|1.000|%"
      && StringFormat("%.1f",0.25)!="0.2")
      return(1005);
   datetime d=D'2025.10.23 10:00:05';
   MqlDateTime t;
   TimeToStruct(d,t);
   if(t.hour!=10 || t.day_of_week!=4 || TimeToString(d,TIME_DATE|TIME_SECONDS)!="2025.10.23 10:00:05" || StructToTime(t)!=d)
      return(1006);
   SItem items[];
   ArrayResize(items,2);
   ZeroMemory(items[0]);
   items[0].parts[1]=2.5;
   items[1]=items[0];
   items[1].parts[1]=7.5;
   if(items[0].parts[1]!=2.5)
      return(1007);
   if(NormalizeDouble(1.123456,5)!=1.12346 || MathRound(-2.5)!=-3.0 || (int)MathFloor(-1.5)!=-2 || 7/2!=3 || -7%3!=-1)
      return(1008);
   if(DoubleToString(1.1,5)!="1.10000" || IntegerToString(7,3,'0')!="007" || StringToDouble("1e-3")!=0.001 || (string)true!="true")
      return(1009);
   if(C'1,2,3'!=0x030201 || (ushort)'é'!=233 || StringGetCharacter("a",0)!='a' || "abc"[1]!='b')
      return(1010);
   uchar key[];
   uchar hash[];
   StringToCharArray("abc",bytes,0,3,CP_UTF8);
   ArrayResize(bytes,3);
   if(CryptEncode(CRYPT_HASH_SHA256,bytes,key,hash)!=32 || hash[0]!=0xBA || hash[31]!=0xAD)
      return(1011);
   int numbers[]={5,3,9,1};
   ArraySort(numbers);
   if(numbers[0]!=1 || ArrayMaximum(numbers)!=3 || ArrayBsearch(numbers,5)!=2)
      return(1012);
   return(INIT_SUCCEEDED);
  }
