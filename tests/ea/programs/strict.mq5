//--- each case does one thing that must end the program, or the broker's or terminal's refusal of it
input int InpCase=0;

struct SItem
  {
   int               n;
   string            name;
  };

void divide(const int a,const int b)
  {
   Print(a/b);
  }

void divide_real(const double a,const double b)
  {
   Print(a/b);
  }

int OnInit(void)
  {
   int    list[];
   int    fixed[3];
   string text="abc";
   long   wide=5;
   ulong  ticket=5000000001;
   double real=1.5;
   ArrayResize(list,2);
   fixed[0]=1;
   switch(InpCase)
     {
      case 1:
         list[2]=1;
         break;
      case 2:
         list[-1]=1;
         break;
      case 3:
         Print(text[3]);
         break;
      case 4:
         ArrayResize(fixed,5);
         break;
      case 5:
         ArrayResize(list,-1);
         break;
      case 6:
         divide(1,ArraySize(list)-2);
         break;
      case 7:
         divide_real(1.0,(double)(ArraySize(list)-2));
         break;
      case 10:
         Print(StringFormat("%d",wide));
         break;
      case 11:
         Print(StringFormat("%d",ticket));
         break;
      case 12:
         Print(StringFormat("%I64d",ticket));
         break;
      case 13:
         Print(StringFormat("%I64u",InpCase));
         break;
      case 14:
         Print(StringFormat("%s",InpCase));
         break;
      case 15:
         Print(StringFormat("%f",InpCase));
         break;
      case 16:
         Print(StringFormat("%d",real));
         break;
      case 17:
         Print(StringFormat("%d %d",InpCase));
         break;
      case 18:
         Print(StringFormat("%d",InpCase,InpCase));
         break;
      case 19:
         Print(StringFormat("%e",real));
         break;
      case 20:
         Print(StringFormat("%d",text));
         break;
      case 21:
         Print(StringFormat("%u",InpCase));
         break;
      case 22:
         Print(StringFormat("%*d",5,InpCase));
         break;
      case 30:
         FileClose(7);
         break;
      case 31:
         FileFlush(-1);
         break;
      case 32:
         Print(FileOpen("a.txt",FILE_TXT));
         break;
      case 33:
         GlobalVariableSet("a name that is longer than sixty-three characters is refused by MetaTrader",1.0);
         break;
      case 34:
         Print(StringSubstr(text,-1));
         break;
      case 35:
         Print(PositionGetDouble(POSITION_VOLUME));
         break;
      case 36:
         Print(AccountInfoDouble(ACCOUNT_ASSETS));
         break;
      case 37:
         Print(StringToTime("yesterday"));
         break;
      case 38:
         StringSetCharacter(text,9,'x');
         break;
      case 39:
         ArrayFree(fixed);
         break;
      case 50:
         Sandbox();
         break;
      default:
         break;
     }
   return(INIT_SUCCEEDED);
  }

void Sandbox(void)
  {
   int first=FileOpen("lock.bin",FILE_WRITE|FILE_BIN);
   int second=FileOpen("lock.bin",FILE_READ|FILE_BIN);
   Print("exclusive ",second," ",GetLastError());
   ResetLastError();
   Print("move ",FileMove("lock.bin",0,"moved.bin",0)," ",FileDelete("lock.bin"));
   FileClose(first);
   int above=FileOpen("..\\x.bin",FILE_WRITE|FILE_BIN);
   int drive=FileOpen("C:\\x.bin",FILE_WRITE|FILE_BIN);
   Print("outside ",above," ",drive," ",GetLastError());
   int text=FileOpen("u.txt",FILE_WRITE|FILE_TXT);
   FileWriteString(text,"é\n");
   Print("unicode ",FileSize(text));
   FileClose(text);
   int missing=FileOpen("nothing.bin",FILE_READ|FILE_BIN);
   Print("missing ",missing," ",GetLastError());
   GlobalVariableSet("counter",5.0);
   bool wrong=GlobalVariableSetOnCondition("counter",6.0,4.0);
   bool right=GlobalVariableSetOnCondition("counter",6.0,5.0);
   Print("condition ",wrong," ",right," ",GlobalVariableGet("counter"));
  }

void OnTradeTransaction(const MqlTradeTransaction &transaction,const MqlTradeRequest &request,const MqlTradeResult &result)
  {
   uchar  data[];
   uchar  answer[];
   string headers="";
   if(InpCase==40)
      Print(WebRequest("GET","http://127.0.0.1:9/","",500,data,answer,headers));
   if(InpCase==41)
      Sleep(10);
  }
