//+------------------------------------------------------------------+
//|                                          RubiStudioConnector.mq5 |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//--- One file out of Experts/Rubi and Include/Rubi, made by mql5/bundle.py.
//--- Change those files, not this one.
#property copyright   "Copyright 2025, Rubi Studio"
#property link        "https://www.rubi-studio.com/"
#property version     "3.10"
#property description "Connects this terminal to a Rubi Studio service."
#property description "Add BackendURL to Tools > Options > Expert Advisors > Allow WebRequest."
//+------------------------------------------------------------------+
//|                                                    Connector.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                      Session.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                         Desk.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                      Account.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                         Text.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
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
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                   JsonWriter.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
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
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiAccount.                                              |
//| Purpose: which account is open in the terminal, and its money.   |
//+------------------------------------------------------------------+
class CRubiAccount
  {
public:
   static string     Key(void);
   static bool       Hedging(void);
   static bool       Real(void);
   static bool       Connected(void);
   static string     TradeBlock(void);
   static void       WriteIdentity(CRubiJsonWriter &writer);
   static void       WriteTime(CRubiJsonWriter &writer,const long tick_msc);
   static void       WriteFlags(CRubiJsonWriter &writer);
   static void       WriteMoney(CRubiJsonWriter &writer);
  };
//+------------------------------------------------------------------+
//| "login@server" as a folder name, empty while no account is open  |
//+------------------------------------------------------------------+
string CRubiAccount::Key(void)
  {
   long   login=AccountInfoInteger(ACCOUNT_LOGIN);
   string server=AccountInfoString(ACCOUNT_SERVER);
   if(login<=0 || server=="")
      return("");
   return(IntegerToString(login)+"@"+RubiFileName(server));
  }
//+------------------------------------------------------------------+
//| Several positions of one symbol at a time                        |
//+------------------------------------------------------------------+
bool CRubiAccount::Hedging(void)
  {
   return((ENUM_ACCOUNT_MARGIN_MODE)AccountInfoInteger(ACCOUNT_MARGIN_MODE)==ACCOUNT_MARGIN_MODE_RETAIL_HEDGING);
  }
//+------------------------------------------------------------------+
//| Real money                                                       |
//+------------------------------------------------------------------+
bool CRubiAccount::Real(void)
  {
   return((ENUM_ACCOUNT_TRADE_MODE)AccountInfoInteger(ACCOUNT_TRADE_MODE)==ACCOUNT_TRADE_MODE_REAL);
  }
//+------------------------------------------------------------------+
//| Is the terminal connected to the broker                          |
//+------------------------------------------------------------------+
bool CRubiAccount::Connected(void)
  {
   return(TerminalInfoInteger(TERMINAL_CONNECTED)!=0);
  }
//+------------------------------------------------------------------+
//| Which of the five permissions is missing, empty for none         |
//+------------------------------------------------------------------+
string CRubiAccount::TradeBlock(void)
  {
   if(TerminalInfoInteger(TERMINAL_CONNECTED)==0)
      return("NOT_CONNECTED");
   if(TerminalInfoInteger(TERMINAL_TRADE_ALLOWED)==0)
      return("TERMINAL_TRADE_OFF");
   if(MQLInfoInteger(MQL_TRADE_ALLOWED)==0)
      return("EA_TRADE_OFF");
   if(AccountInfoInteger(ACCOUNT_TRADE_ALLOWED)==0)
      return("ACCOUNT_TRADE_OFF");
   if(AccountInfoInteger(ACCOUNT_TRADE_EXPERT)==0)
      return("ACCOUNT_EXPERT_OFF");
   return("");
  }
//+------------------------------------------------------------------+
//| Who is there, for connect                                        |
//+------------------------------------------------------------------+
void CRubiAccount::WriteIdentity(CRubiJsonWriter &writer)
  {
   string login=IntegerToString(AccountInfoInteger(ACCOUNT_LOGIN));
   string company=AccountInfoString(ACCOUNT_COMPANY);
   string margin=EnumToString((ENUM_ACCOUNT_MARGIN_MODE)AccountInfoInteger(ACCOUNT_MARGIN_MODE));
   string trade=EnumToString((ENUM_ACCOUNT_TRADE_MODE)AccountInfoInteger(ACCOUNT_TRADE_MODE));
   margin=RubiName(margin,"ACCOUNT_MARGIN_MODE_");
   writer.PutText("account_number",login);
   writer.PutText("broker",company);
   writer.PutNumber("balance",AccountInfoDouble(ACCOUNT_BALANCE));
   writer.PutNumber("equity",AccountInfoDouble(ACCOUNT_EQUITY));
   writer.PutText("currency",AccountInfoString(ACCOUNT_CURRENCY));
   writer.PutText("login",login);
   writer.PutText("server",AccountInfoString(ACCOUNT_SERVER));
   writer.PutText("company",company);
   writer.PutLong("leverage",AccountInfoInteger(ACCOUNT_LEVERAGE));
   writer.PutText("margin_mode",RubiName(margin,"RETAIL_"));
   writer.PutText("trade_mode",RubiName(trade,"ACCOUNT_TRADE_MODE_"));
   writer.PutFlag("fifo_close",AccountInfoInteger(ACCOUNT_FIFO_CLOSE)!=0);
   writer.PutFlag("hedge_allowed",AccountInfoInteger(ACCOUNT_HEDGE_ALLOWED)!=0);
   writer.PutLong("limit_orders",AccountInfoInteger(ACCOUNT_LIMIT_ORDERS));
   writer.PutLong("build",TerminalInfoInteger(TERMINAL_BUILD));
  }
//+------------------------------------------------------------------+
//| Both clocks and the last tick                                    |
//+------------------------------------------------------------------+
void CRubiAccount::WriteTime(CRubiJsonWriter &writer,const long tick_msc)
  {
   writer.OpenObject("time");
   writer.PutLong("gmt",(long)TimeGMT());
   writer.PutLong("server",(long)TimeTradeServer());
   if(tick_msc>0)
      writer.PutLong("tick_msc",tick_msc);
   writer.CloseObject();
  }
//+------------------------------------------------------------------+
//| The five permissions and the ping                                |
//+------------------------------------------------------------------+
void CRubiAccount::WriteFlags(CRubiJsonWriter &writer)
  {
   writer.OpenObject("flags");
   writer.PutFlag("connected",Connected());
   writer.PutFlag("terminal_trade_allowed",TerminalInfoInteger(TERMINAL_TRADE_ALLOWED)!=0);
   writer.PutFlag("mql_trade_allowed",MQLInfoInteger(MQL_TRADE_ALLOWED)!=0);
   writer.PutFlag("account_trade_allowed",AccountInfoInteger(ACCOUNT_TRADE_ALLOWED)!=0);
   writer.PutFlag("account_trade_expert",AccountInfoInteger(ACCOUNT_TRADE_EXPERT)!=0);
   //--- TERMINAL_PING_LAST is in microseconds
   writer.PutLong("ping_ms",TerminalInfoInteger(TERMINAL_PING_LAST)/1000);
   writer.CloseObject();
  }
//+------------------------------------------------------------------+
//| Balance, equity, margin                                          |
//+------------------------------------------------------------------+
void CRubiAccount::WriteMoney(CRubiJsonWriter &writer)
  {
   writer.OpenObject("account");
   writer.PutNumber("balance",AccountInfoDouble(ACCOUNT_BALANCE));
   writer.PutNumber("equity",AccountInfoDouble(ACCOUNT_EQUITY));
   writer.PutNumber("margin",AccountInfoDouble(ACCOUNT_MARGIN));
   writer.PutNumber("margin_free",AccountInfoDouble(ACCOUNT_MARGIN_FREE));
   writer.PutNumber("margin_level",AccountInfoDouble(ACCOUNT_MARGIN_LEVEL));
   writer.PutNumber("profit",AccountInfoDouble(ACCOUNT_PROFIT));
   writer.PutNumber("credit",AccountInfoDouble(ACCOUNT_CREDIT));
   writer.CloseObject();
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                         Bars.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                   JsonReader.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                      Defines.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//--- what this EA is
#define RUBI_VERSION             "3.10"
#define RUBI_PROTOCOL            2
#define RUBI_FOLDER              "Rubi"
#define RUBI_SIGNAL_FOLDER       "Rubi/signals"
//--- times, milliseconds unless named otherwise
#define RUBI_TIMER_MS            50
#define RUBI_WAIT_MAX_MS         1500
#define RUBI_TIMEOUT_MIN_MS      500
#define RUBI_TIMEOUT_MAX_MS      3000
#define RUBI_BACKOFF_FIRST_MS    1000
#define RUBI_BACKOFF_LAST_MS     60000
#define RUBI_LOCK_STALE_MS       2500
#define RUBI_LOCK_BEAT_MS        1000
#define RUBI_GRACE_MS            5000
#define RUBI_UNSETTLED_MS        60000
#define RUBI_HISTORY_MS          30000
#define RUBI_SPECS_MS            10000
#define RUBI_DAY_SECONDS         86400
//--- sizes
#define RUBI_BODY_BYTES          240000
#define RUBI_DEALS_PER_SYNC      100
#define RUBI_ORDERS_PER_SYNC     100
#define RUBI_SPECS_PER_SYNC      40
#define RUBI_SIGNALS_PER_SYNC    20
#define RUBI_TICKS_PER_SYMBOL    40
#define RUBI_TICKS_PER_SYNC      200
#define RUBI_BARS_PER_SYNC       200
#define RUBI_BARS_FIRST          101
#define RUBI_MINUTES_FIRST       120
#define RUBI_BARS_BACK           5000
#define RUBI_WATCH_MAX           200
#define RUBI_SIGNAL_CHARS        8000
#define RUBI_KEY_LETTERS         128
#define RUBI_NUMBER_LETTERS      40
#define RUBI_NUMBER_MAX          1e15
#define RUBI_SIGNALS_LETTERS     40000
#define RUBI_KEEP_SECONDS        2592000
#define RUBI_COMPACT_BYTES       1000000
//--- trade retries inside one command
#define RUBI_PRICE_RETRIES       2
#define RUBI_WAIT_RETRIES        3
#define RUBI_RETRY_SLEEP_MS      300
//--- a symbol that was not in Market Watch needs a moment
#define RUBI_SYMBOL_TRIES        10
#define RUBI_SYMBOL_SLEEP_MS     100
//+------------------------------------------------------------------+
//| How much of an order's life the journal has seen                 |
//+------------------------------------------------------------------+
enum ENUM_RUBI_PHASE
  {
   RUBI_PHASE_INTENT,      // will be sent
   RUBI_PHASE_SENDING,     // OrderSend is being called
   RUBI_PHASE_RESULT,      // the end, or what is known of it
   RUBI_PHASE_REFUSED      // a guard said no, nothing was sent
  };
//+------------------------------------------------------------------+
//| What is to be done after a retcode                               |
//+------------------------------------------------------------------+
enum ENUM_RUBI_VERDICT
  {
   RUBI_VERDICT_DONE,      // done, placed or partly done
   RUBI_VERDICT_REPRICE,   // again with a fresh price
   RUBI_VERDICT_WAIT,      // again after a short wait
   RUBI_VERDICT_FILLING,   // again with another filling mode
   RUBI_VERDICT_UNKNOWN,   // the broker may or may not have it
   RUBI_VERDICT_REJECTED   // the broker said no
  };
//+------------------------------------------------------------------+
//| One instruction of the service                                   |
//+------------------------------------------------------------------+
struct SRubiCommand
  {
   long              order_id;
   string            lease_id;
   long              not_after;        // unix seconds, 0 for never
   long              lease_expires;    // unix seconds, 0 for never
   string            kind;
   string            symbol;
   string            side;
   string            order_type;
   double            volume;
   double            price;
   double            stop_limit;
   double            sl;
   double            tp;
   bool              has_sl;
   bool              has_tp;
   int               deviation;
   string            filling;
   string            type_time;
   long              expiration;       // seconds, broker wall clock
   ulong             magic;
   string            comment;
   ulong             position_ticket;
   ulong             order_ticket;
   double            max_spread;       // points, 0 for any
   double            band_low;
   double            band_high;
   bool              reduce_only;
   double            expect_volume;    // lots, 0 for any
   string            sha256;
   string            signed_text;      // what the sha256 covers
  };
//+------------------------------------------------------------------+
//| What is known of the end of an order                             |
//+------------------------------------------------------------------+
struct SRubiReport
  {
   string            outcome;
   uint              retcode;
   ulong             order_ticket;
   ulong             deal_ticket;
   long              position_id;
   double            price;
   double            volume;
   string            message;
  };
//+------------------------------------------------------------------+
//| An empty report of one outcome                                   |
//+------------------------------------------------------------------+
void RubiReportClear(SRubiReport &report,const string outcome)
  {
   report.outcome=outcome;
   report.retcode=0;
   report.order_ticket=0;
   report.deal_ticket=0;
   report.position_id=0;
   report.price=0.0;
   report.volume=0.0;
   report.message="";
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                  JsonScanner.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
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
//+------------------------------------------------------------------+
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
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                     Settings.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                   Timeframes.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| A timeframe's name on the wire: M1, H1, D1                       |
//+------------------------------------------------------------------+
string RubiTimeframeName(const ENUM_TIMEFRAMES frame)
  {
   return(RubiName(EnumToString(frame),"PERIOD_"));
  }
//+------------------------------------------------------------------+
//| The timeframes that the service keeps, shortest first            |
//+------------------------------------------------------------------+
int RubiTimeframes(ENUM_TIMEFRAMES &frames[])
  {
   ArrayResize(frames,9);
   frames[0]=PERIOD_M1;
   frames[1]=PERIOD_M5;
   frames[2]=PERIOD_M15;
   frames[3]=PERIOD_M30;
   frames[4]=PERIOD_H1;
   frames[5]=PERIOD_H4;
   frames[6]=PERIOD_D1;
   frames[7]=PERIOD_W1;
   frames[8]=PERIOD_MN1;
   return(9);
  }
//+------------------------------------------------------------------+
//| Timeframes out of "M1,H1,D1", each once and in that order; false |
//| when a name is none of them                                      |
//+------------------------------------------------------------------+
bool RubiReadTimeframes(const string list,ENUM_TIMEFRAMES &frames[])
  {
   ENUM_TIMEFRAMES known[];
   string          names[];
   int             kinds=RubiTimeframes(known);
   int             count=StringSplit(list,',',names);
   int             kept=0;
   ArrayResize(frames,0);
   for(int i=0; i<count; i++)
     {
      string name=names[i];
      int    found=-1;
      bool   again=false;
      StringTrimLeft(name);
      StringTrimRight(name);
      StringToUpper(name);
      if(name=="")
         continue;
      for(int k=0; k<kinds; k++)
        {
         if(RubiTimeframeName(known[k])==name)
            found=k;
        }
      if(found<0)
         return(false);
      for(int k=0; k<kept; k++)
        {
         if(frames[k]==known[found])
            again=true;
        }
      if(again)
         continue;
      ArrayResize(frames,kept+1,16);
      frames[kept]=known[found];
      kept++;
     }
   return(true);
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiSettings.                                             |
//| Purpose: the inputs, checked and brought into range.             |
//+------------------------------------------------------------------+
class CRubiSettings
  {
public:
   //--- the service
   string            m_url;
   string            m_token;
   string            m_secret;
   int               m_interval;
   int               m_timeout;
   int               m_wait;
   //--- limits of this terminal
   bool              m_trading;
   double            m_max_risk;
   int               m_max_positions;
   double            m_max_lot;
   int               m_max_per_minute;
   //--- habits of this terminal
   bool              m_demo_only;
   bool              m_dry_run;
   bool              m_need_stop;
   int               m_deviation;
   int               m_quote_age;
   ulong             m_magic;
   //--- data
   string            m_symbols;
   bool              m_ticks;
   bool              m_bars;
   string            m_timeframes;
   int               m_history_days;

                     CRubiSettings(void);
   void              Service(const string url,const string token,const string secret,
                             const int interval,const int timeout,const int wait);
   void              Limits(const bool trading,const double max_risk,const int max_positions,
                            const double max_lot,const int max_per_minute);
   void              Habits(const bool demo_only,const bool dry_run,const bool need_stop,
                            const int deviation,const int quote_age,const long magic);
   void              Data(const string symbols,const bool ticks,const bool bars,
                          const string timeframes,const int history_days);
   string            Fault(void) const;
   bool              Overheard(void) const;

private:
   int               Within(const int value,const int lowest,const int highest) const;
   bool              Printable(const string text) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiSettings::CRubiSettings(void)
  {
   m_url="";
   m_token="";
   m_secret="";
   m_interval=5000;
   m_timeout=RUBI_TIMEOUT_MAX_MS;
   m_wait=0;
   m_trading=false;
   m_max_risk=0.0;
   m_max_positions=0;
   m_max_lot=0.0;
   m_max_per_minute=0;
   m_demo_only=true;
   m_dry_run=false;
   m_need_stop=true;
   m_deviation=0;
   m_quote_age=0;
   m_magic=0;
   m_symbols="";
   m_ticks=false;
   m_bars=false;
   m_timeframes="";
   m_history_days=1;
  }
//+------------------------------------------------------------------+
//| Where the service is and how often it is asked                   |
//+------------------------------------------------------------------+
void CRubiSettings::Service(const string url,const string token,const string secret,
                            const int interval,const int timeout,const int wait)
  {
   m_url=url;
   StringTrimLeft(m_url);
   StringTrimRight(m_url);
   while(StringLen(m_url)>0 && StringGetCharacter(m_url,StringLen(m_url)-1)=='/')
      m_url=RubiCut(m_url,0,StringLen(m_url)-1);
   m_token=token;
   StringTrimLeft(m_token);
   StringTrimRight(m_token);
   m_secret=secret;
   m_interval=Within(interval,100,60000);
   m_timeout=Within(timeout,RUBI_TIMEOUT_MIN_MS,RUBI_TIMEOUT_MAX_MS);
   m_wait=Within(wait,0,RUBI_WAIT_MAX_MS);
  }
//+------------------------------------------------------------------+
//| What this terminal never passes, whatever the service says       |
//+------------------------------------------------------------------+
void CRubiSettings::Limits(const bool trading,const double max_risk,const int max_positions,
                           const double max_lot,const int max_per_minute)
  {
   m_trading=trading;
   m_max_risk=max_risk;
   m_max_positions=max_positions;
   m_max_lot=max_lot;
   m_max_per_minute=max_per_minute;
  }
//+------------------------------------------------------------------+
//| How this terminal trades                                         |
//+------------------------------------------------------------------+
void CRubiSettings::Habits(const bool demo_only,const bool dry_run,const bool need_stop,
                           const int deviation,const int quote_age,const long magic)
  {
   m_demo_only=demo_only;
   m_dry_run=dry_run;
   m_need_stop=need_stop;
   m_deviation=Within(deviation,0,10000);
   m_quote_age=Within(quote_age,1,86400);
   m_magic=(magic>0) ? (ulong)magic : 0;
  }
//+------------------------------------------------------------------+
//| What this terminal tells besides its account                     |
//+------------------------------------------------------------------+
void CRubiSettings::Data(const string symbols,const bool ticks,const bool bars,
                         const string timeframes,const int history_days)
  {
   m_symbols=symbols;
   m_ticks=ticks;
   m_bars=bars;
   m_timeframes=timeframes;
   m_history_days=Within(history_days,1,3650);
  }
//+------------------------------------------------------------------+
//| A number brought into its range                                  |
//+------------------------------------------------------------------+
int CRubiSettings::Within(const int value,const int lowest,const int highest) const
  {
   if(value<lowest)
      return(lowest);
   if(value>highest)
      return(highest);
   return(value);
  }
//+------------------------------------------------------------------+
//| Printable ASCII only: a line end in a token would be a header    |
//+------------------------------------------------------------------+
bool CRubiSettings::Printable(const string text) const
  {
   int size=StringLen(text);
   for(int i=0; i<size; i++)
     {
      ushort letter=StringGetCharacter(text,i);
      if(letter<=0x20 || letter>=0x7F)
         return(false);
     }
   return(true);
  }
//+------------------------------------------------------------------+
//| What is wrong with the inputs, empty when nothing is             |
//+------------------------------------------------------------------+
string CRubiSettings::Fault(void) const
  {
   bool plain=(StringFind(m_url,"http://")==0);
   bool safe=(StringFind(m_url,"https://")==0);
   if((!plain && !safe) || !Printable(m_url))
      return("BackendURL must begin with https:// (or http:// for a service on this machine), without spaces");
   if(m_token=="")
      return("APIToken is empty: make an EA token in the service and paste it here");
   if(!Printable(m_token))
      return("APIToken holds spaces or letters that no token has: copy it again, whole");
   if(m_max_risk<=0.0 || m_max_risk>100.0)
      return("MaxRiskPercent must be more than 0 and at most 100");
   if(m_max_positions<1)
      return("MaxOpenPositions must be at least 1");
   if(m_max_lot<=0.0)
      return("MaxLot must be more than 0");
   if(m_max_per_minute<1)
      return("MaxOrdersPerMinute must be at least 1");
   ENUM_TIMEFRAMES frames[];
   if(!RubiReadTimeframes(m_timeframes,frames))
      return("BarsTimeframes must be names out of M1, M5, M15, M30, H1, H4, D1, W1, MN1 with commas between");
   return("");
  }
//+------------------------------------------------------------------+
//| Does the token leave this machine in clear text                  |
//+------------------------------------------------------------------+
bool CRubiSettings::Overheard(void) const
  {
   if(StringFind(m_url,"http://")!=0)
      return(false);
   string host=StringSubstr(m_url,7);
   StringToLower(host);
   return(StringFind(host,"localhost")!=0 && StringFind(host,"127.")!=0 && StringFind(host,"[::1]")!=0);
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                      Symbols.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                        Bytes.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
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
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiSymbols.                                              |
//| Purpose: which symbols are watched, and their specifications: a  |
//|          specification is sent again when it has changed.        |
//+------------------------------------------------------------------+
class CRubiSymbols
  {
private:
   string            m_list;
   string            m_names[];
   string            m_sent[];
   string            m_flying[];
   int               m_count;
   bool              m_all;
   ulong             m_looked;

   void              Watch(const string name);
   void              WriteOne(CRubiJsonWriter &writer,const string name) const;

public:
                     CRubiSymbols(void);
   void              Configure(const CRubiSettings &settings);
   void              Refresh(void);
   void              Need(void);
   int               Count(void) const;
   string            Name(const int index) const;
   string            Hash(void) const;
   void              Write(CRubiJsonWriter &writer);
   void              Acknowledged(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiSymbols::CRubiSymbols(void)
  {
   m_list="";
   m_count=0;
   m_all=false;
   m_looked=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiSymbols::Configure(const CRubiSettings &settings)
  {
   m_list=settings.m_symbols;
   m_count=0;
   m_all=true;
   m_looked=0;
  }
//+------------------------------------------------------------------+
//| Watch one more symbol                                            |
//+------------------------------------------------------------------+
void CRubiSymbols::Watch(const string name)
  {
   if(name=="" || m_count>=RUBI_WATCH_MAX)
      return;
   for(int i=0; i<m_count; i++)
     {
      if(m_names[i]==name)
         return;
     }
   if(!SymbolSelect(name,true))
      return;
   ArrayResize(m_names,m_count+1,64);
   ArrayResize(m_sent,m_count+1,64);
   ArrayResize(m_flying,m_count+1,64);
   m_names[m_count]=name;
   m_sent[m_count]="";
   m_flying[m_count]="";
   m_count++;
  }
//+------------------------------------------------------------------+
//| The input's list, or Market Watch; and whatever is held          |
//+------------------------------------------------------------------+
void CRubiSymbols::Refresh(void)
  {
   string parts[];
   int    count=StringSplit(m_list,',',parts);
   for(int i=0; i<count; i++)
     {
      string name=parts[i];
      StringTrimLeft(name);
      StringTrimRight(name);
      Watch(name);
     }
   if(m_list=="")
     {
      int total=SymbolsTotal(true);
      for(int i=0; i<total; i++)
         Watch(SymbolName(i,true));
     }
   Watch(Symbol());
   int total=PositionsTotal();
   for(int i=0; i<total; i++)
      Watch(PositionGetSymbol(i));
  }
//+------------------------------------------------------------------+
//| The service asks for all of them                                 |
//+------------------------------------------------------------------+
void CRubiSymbols::Need(void)
  {
   for(int i=0; i<m_count; i++)
      m_sent[i]="";
   m_all=true;
  }
//+------------------------------------------------------------------+
//| Symbols watched                                                  |
//+------------------------------------------------------------------+
int CRubiSymbols::Count(void) const
  {
   return(m_count);
  }
//+------------------------------------------------------------------+
//| A watched symbol                                                 |
//+------------------------------------------------------------------+
string CRubiSymbols::Name(const int index) const
  {
   return(m_names[index]);
  }
//+------------------------------------------------------------------+
//| One hash over the names and what does not move with the market   |
//+------------------------------------------------------------------+
string CRubiSymbols::Hash(void) const
  {
   string text="";
   for(int i=0; i<m_count; i++)
      text+=StringFormat("%s|%I64d|%s|%s|%s|%s\n",m_names[i],SymbolInfoInteger(m_names[i],SYMBOL_DIGITS),
                         RubiNumber(SymbolInfoDouble(m_names[i],SYMBOL_TRADE_CONTRACT_SIZE)),
                         RubiNumber(SymbolInfoDouble(m_names[i],SYMBOL_VOLUME_MIN)),
                         RubiNumber(SymbolInfoDouble(m_names[i],SYMBOL_VOLUME_MAX)),
                         RubiNumber(SymbolInfoDouble(m_names[i],SYMBOL_VOLUME_STEP)));
   return(RubiSha256Hex(text));
  }
//+------------------------------------------------------------------+
//| One specification                                                |
//+------------------------------------------------------------------+
void CRubiSymbols::WriteOne(CRubiJsonWriter &writer,const string name) const
  {
   string mode=EnumToString((ENUM_SYMBOL_TRADE_MODE)SymbolInfoInteger(name,SYMBOL_TRADE_MODE));
   string execution=EnumToString((ENUM_SYMBOL_TRADE_EXECUTION)SymbolInfoInteger(name,SYMBOL_TRADE_EXEMODE));
   double initial=0.0;
   double maintenance=0.0;
   writer.OpenObject("");
   writer.PutText("name",name);
   writer.PutLong("digits",SymbolInfoInteger(name,SYMBOL_DIGITS));
   writer.PutNumber("point",SymbolInfoDouble(name,SYMBOL_POINT));
   writer.PutNumber("tick_size",SymbolInfoDouble(name,SYMBOL_TRADE_TICK_SIZE));
   writer.PutNumber("tick_value_profit",SymbolInfoDouble(name,SYMBOL_TRADE_TICK_VALUE_PROFIT));
   writer.PutNumber("tick_value_loss",SymbolInfoDouble(name,SYMBOL_TRADE_TICK_VALUE_LOSS));
   writer.PutNumber("contract_size",SymbolInfoDouble(name,SYMBOL_TRADE_CONTRACT_SIZE));
   writer.PutNumber("volume_min",SymbolInfoDouble(name,SYMBOL_VOLUME_MIN));
   writer.PutNumber("volume_max",SymbolInfoDouble(name,SYMBOL_VOLUME_MAX));
   writer.PutNumber("volume_step",SymbolInfoDouble(name,SYMBOL_VOLUME_STEP));
   writer.PutNumber("volume_limit",SymbolInfoDouble(name,SYMBOL_VOLUME_LIMIT));
   writer.PutLong("stops_level",SymbolInfoInteger(name,SYMBOL_TRADE_STOPS_LEVEL));
   writer.PutLong("freeze_level",SymbolInfoInteger(name,SYMBOL_TRADE_FREEZE_LEVEL));
   writer.PutText("trade_mode",RubiName(mode,"SYMBOL_TRADE_MODE_"));
   writer.PutText("trade_exemode",RubiName(execution,"SYMBOL_TRADE_EXECUTION_"));
   writer.PutLong("filling_flags",SymbolInfoInteger(name,SYMBOL_FILLING_MODE));
   writer.PutLong("order_modes",SymbolInfoInteger(name,SYMBOL_ORDER_MODE));
   writer.PutLong("expiration_modes",SymbolInfoInteger(name,SYMBOL_EXPIRATION_MODE));
   writer.PutText("currency_base",SymbolInfoString(name,SYMBOL_CURRENCY_BASE));
   writer.PutText("currency_profit",SymbolInfoString(name,SYMBOL_CURRENCY_PROFIT));
   writer.PutText("currency_margin",SymbolInfoString(name,SYMBOL_CURRENCY_MARGIN));
   writer.PutNumber("margin_initial",SymbolInfoDouble(name,SYMBOL_MARGIN_INITIAL));
   if(SymbolInfoMarginRate(name,ORDER_TYPE_BUY,initial,maintenance))
      writer.PutNumber("margin_rate",initial);
   writer.PutNumber("swap_long",SymbolInfoDouble(name,SYMBOL_SWAP_LONG));
   writer.PutNumber("swap_short",SymbolInfoDouble(name,SYMBOL_SWAP_SHORT));
   writer.CloseObject();
  }
//+------------------------------------------------------------------+
//| Write the specifications that the service does not have so       |
//+------------------------------------------------------------------+
void CRubiSymbols::Write(CRubiJsonWriter &writer)
  {
   ulong now=GetTickCount64();
   for(int i=0; i<m_count; i++)
      m_flying[i]="";
   if(!m_all && now-m_looked<RUBI_SPECS_MS)
      return;
   m_looked=now;
   Refresh();
   int written=0;
   for(int i=0; i<m_count && written<RUBI_SPECS_PER_SYNC; i++)
     {
      CRubiJsonWriter one;
      WriteOne(one,m_names[i]);
      string text=one.Text();
      if(text==m_sent[i])
         continue;
      if(written==0)
         writer.OpenList("symbols");
      writer.PutRaw("",text);
      m_flying[i]=text;
      written++;
     }
   if(written>0)
      writer.CloseList();
   m_all=(written==RUBI_SPECS_PER_SYNC);
  }
//+------------------------------------------------------------------+
//| The service has what was written last                            |
//+------------------------------------------------------------------+
void CRubiSymbols::Acknowledged(void)
  {
   for(int i=0; i<m_count; i++)
     {
      if(m_flying[i]!="")
         m_sent[i]=m_flying[i];
      m_flying[i]="";
     }
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiBars.                                                 |
//| Purpose: closed bars of the watched symbols in some timeframes,  |
//|          oldest first and without a hole: what an outage left out|
//|          is sent when it is over, from where the service has got |
//|          to. A row is one symbol in one timeframe.               |
//+------------------------------------------------------------------+
class CRubiBars
  {
private:
   bool              m_on;
   ENUM_TIMEFRAMES   m_frames[];
   int               m_frame_count;
   string            m_names[];        // as the watched symbols
   int               m_count;
   long              m_last[];         // newest bar the service has, by row, broker wall clock, 0 for none
   long              m_new[];          // the same once the body on its way is answered
   int               m_turn;
   int               m_written;

   void              Align(const CRubiSymbols &symbols);
   int               Missing(const string name,const ENUM_TIMEFRAMES frame,const long last,MqlRates &rates[]) const;
   void              WriteBar(CRubiJsonWriter &writer,const string name,const ENUM_TIMEFRAMES frame,const MqlRates &bar);
   void              WriteRow(CRubiJsonWriter &writer,const int row);

public:
                     CRubiBars(void);
   void              Configure(const CRubiSettings &settings);
   void              Reset(void);
   void              Resume(const CRubiJsonReader &reader,const int node,const CRubiSymbols &symbols);
   void              Write(CRubiJsonWriter &writer,const CRubiSymbols &symbols);
   void              Acknowledged(void);
   void              Dropped(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiBars::CRubiBars(void)
  {
   m_on=false;
   m_frame_count=0;
   m_count=0;
   m_turn=0;
   m_written=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiBars::Configure(const CRubiSettings &settings)
  {
   RubiReadTimeframes(settings.m_timeframes,m_frames);
   m_frame_count=ArraySize(m_frames);
   m_on=(settings.m_bars && m_frame_count>0);
   m_count=0;
   m_turn=0;
  }
//+------------------------------------------------------------------+
//| Another account: nothing of its bars is known                    |
//+------------------------------------------------------------------+
void CRubiBars::Reset(void)
  {
   for(int row=0; row<m_count*m_frame_count; row++)
     {
      m_last[row]=0;
      m_new[row]=0;
     }
  }
//+------------------------------------------------------------------+
//| A row for each timeframe of each symbol that is new              |
//+------------------------------------------------------------------+
void CRubiBars::Align(const CRubiSymbols &symbols)
  {
   int total=symbols.Count();
   if(total<=m_count)
      return;
   ArrayResize(m_names,total,64);
   ArrayResize(m_last,total*m_frame_count,256);
   ArrayResize(m_new,total*m_frame_count,256);
   for(int i=m_count; i<total; i++)
     {
      m_names[i]=symbols.Name(i);
      for(int k=0; k<m_frame_count; k++)
        {
         m_last[i*m_frame_count+k]=0;
         m_new[i*m_frame_count+k]=0;
        }
     }
   m_count=total;
  }
//+------------------------------------------------------------------+
//| Go on from where the service has got to: {symbol:{timeframe:time}}|
//+------------------------------------------------------------------+
void CRubiBars::Resume(const CRubiJsonReader &reader,const int node,const CRubiSymbols &symbols)
  {
   if(!m_on)
      return;
   Align(symbols);
//--- an older service does not say: what was acknowledged here still holds
   if(reader.Kind(node)!=RUBI_JSON_OBJECT)
      return;
   Reset();
   for(int child=reader.First(node); child>=0; child=reader.Next(child))
     {
      string name=reader.Key(child);
      for(int i=0; i<m_count; i++)
        {
         if(m_names[i]!=name)
            continue;
         for(int k=0; k<m_frame_count; k++)
           {
            long last=reader.LongOf(child,RubiTimeframeName(m_frames[k]));
            //--- a time to come is a wrong clock
            if(last>(long)TimeTradeServer())
               last=0;
            m_last[i*m_frame_count+k]=last;
            m_new[i*m_frame_count+k]=last;
           }
        }
     }
  }
//+------------------------------------------------------------------+
//| The closed bars after the last one; -1 or 0 for none             |
//+------------------------------------------------------------------+
int CRubiBars::Missing(const string name,const ENUM_TIMEFRAMES frame,const long last,MqlRates &rates[]) const
  {
   MqlRates newest[];
   long     seconds=(long)PeriodSeconds(frame);
//--- the bar after it is still growing, whatever the clock of the market does
   if(last>0 && (long)TimeTradeServer()<last+2*seconds)
      return(0);
   if(last<=0)
      return(CopyRates(name,frame,1,(seconds<3600) ? RUBI_MINUTES_FIRST : RUBI_BARS_FIRST,rates));
   if(CopyRates(name,frame,1,1,newest)!=1)
      return(0);
   long until=(long)newest[0].time;
   long from=last+1;
   if(until<from)
      return(0);
//--- after a very long silence only so far back
   if(until-from>seconds*RUBI_BARS_BACK)
      from=until-seconds*RUBI_BARS_BACK;
   return(CopyRates(name,frame,(datetime)from,(datetime)until,rates));
  }
//+------------------------------------------------------------------+
//| One bar                                                          |
//+------------------------------------------------------------------+
void CRubiBars::WriteBar(CRubiJsonWriter &writer,const string name,const ENUM_TIMEFRAMES frame,const MqlRates &bar)
  {
   if(m_written==0)
      writer.OpenList("bars");
   writer.OpenObject("");
   writer.PutText("symbol",name);
   writer.PutText("timeframe",RubiTimeframeName(frame));
   writer.PutLong("time",(long)bar.time);
   writer.PutNumber("open",bar.open);
   writer.PutNumber("high",bar.high);
   writer.PutNumber("low",bar.low);
   writer.PutNumber("close",bar.close);
   writer.PutLong("tick_volume",bar.tick_volume);
   writer.PutLong("spread",bar.spread);
   writer.PutLong("real_volume",bar.real_volume);
   writer.CloseObject();
   m_written++;
  }
//+------------------------------------------------------------------+
//| What a row lacks, oldest first, as far as the body has room      |
//+------------------------------------------------------------------+
void CRubiBars::WriteRow(CRubiJsonWriter &writer,const int row)
  {
   MqlRates        rates[];
   string          name=m_names[row/m_frame_count];
   ENUM_TIMEFRAMES frame=m_frames[row%m_frame_count];
   int             copied=Missing(name,frame,m_last[row],rates);
   for(int i=0; i<copied && m_written<RUBI_BARS_PER_SYNC; i++)
     {
      if((long)rates[i].time<=m_new[row])
         continue;
      WriteBar(writer,name,frame,rates[i]);
      m_new[row]=(long)rates[i].time;
     }
  }
//+------------------------------------------------------------------+
//| Bars of the rows, each cycle beginning elsewhere                 |
//+------------------------------------------------------------------+
void CRubiBars::Write(CRubiJsonWriter &writer,const CRubiSymbols &symbols)
  {
   m_written=0;
   Dropped();
   if(!m_on)
      return;
   Align(symbols);
   int rows=m_count*m_frame_count;
   int loaded=0;
   for(int i=0; i<rows && m_written<RUBI_BARS_PER_SYNC; i++)
     {
      m_turn=(m_turn+1)%rows;
      //--- the terminal fetches what it does not have, and may wait for it: one row at a time
      if(SeriesInfoInteger(m_names[m_turn/m_frame_count],m_frames[m_turn%m_frame_count],SERIES_SYNCHRONIZED)==0)
        {
         if(loaded>0)
            continue;
         loaded++;
        }
      WriteRow(writer,m_turn);
     }
   if(m_written>0)
      writer.CloseList();
  }
//+------------------------------------------------------------------+
//| The service has what was written last                            |
//+------------------------------------------------------------------+
void CRubiBars::Acknowledged(void)
  {
   for(int row=0; row<m_count*m_frame_count; row++)
      m_last[row]=m_new[row];
  }
//+------------------------------------------------------------------+
//| What was written last will be written anew                       |
//+------------------------------------------------------------------+
void CRubiBars::Dropped(void)
  {
   for(int row=0; row<m_count*m_frame_count; row++)
      m_new[row]=m_last[row];
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                        Clock.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//--- length of a window of the clock, milliseconds
#define RUBI_CLOCK_WINDOW_MS     600000
//+------------------------------------------------------------------+
//| Class CRubiClock.                                                |
//| Purpose: the service's clock seen from here. Deadlines are the   |
//|          service's, a PC's own clock may be minutes wrong.       |
//|          A replayed answer carries an old time, so the largest   |
//|          offset of the last two windows counts.                  |
//+------------------------------------------------------------------+
class CRubiClock
  {
private:
   bool              m_known;
   long              m_before;
   long              m_current;
   ulong             m_window;
   long              m_stamp;

public:
                     CRubiClock(void);
   void              Reset(void);
   void              Learn(const string server_time);
   long              NowMs(void) const;
   long              NowSeconds(void) const;
   long              Stamp(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiClock::CRubiClock(void)
  {
   m_known=false;
   m_before=0;
   m_current=0;
   m_window=0;
   m_stamp=0;
  }
//+------------------------------------------------------------------+
//| Forget what was learned                                          |
//+------------------------------------------------------------------+
void CRubiClock::Reset(void)
  {
   m_known=false;
   m_stamp=0;
  }
//+------------------------------------------------------------------+
//| Learn from the server_time of an answer                          |
//+------------------------------------------------------------------+
void CRubiClock::Learn(const string server_time)
  {
   long stamp=RubiFromIso(server_time);
   if(stamp<=0)
      return;
   ulong now=GetTickCount64();
   long  offset=stamp-(long)now;
   if(!m_known)
     {
      m_known=true;
      m_before=offset;
      m_current=offset;
      m_window=now;
      return;
     }
   if(now-m_window>RUBI_CLOCK_WINDOW_MS)
     {
      m_before=m_current;
      m_current=offset;
      m_window=now;
      return;
     }
   if(offset>m_current)
      m_current=offset;
  }
//+------------------------------------------------------------------+
//| Unix milliseconds, UTC                                           |
//+------------------------------------------------------------------+
long CRubiClock::NowMs(void) const
  {
   if(!m_known)
      return((long)TimeGMT()*1000);
   long offset=m_before;
   if(m_current>offset)
      offset=m_current;
   return(offset+(long)GetTickCount64());
  }
//+------------------------------------------------------------------+
//| Unix seconds, UTC                                                |
//+------------------------------------------------------------------+
long CRubiClock::NowSeconds(void) const
  {
   return(NowMs()/1000);
  }
//+------------------------------------------------------------------+
//| Unix milliseconds that always rise                               |
//+------------------------------------------------------------------+
long CRubiClock::Stamp(void)
  {
   long now=NowMs();
   if(now<=m_stamp)
      now=m_stamp+1;
   m_stamp=now;
   return(now);
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                        Deals.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                      Tickets.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiTickets.                                              |
//| Purpose: a queue of tickets of history: what waits (oldest       |
//|          first), what is on its way, what was ever seen.          |
//+------------------------------------------------------------------+
class CRubiTickets
  {
private:
   ulong             m_queue[];
   long              m_times[];
   int               m_count;
   ulong             m_known[];
   int               m_known_count;
   int               m_flying;

   int               Place(const ulong ticket) const;

public:
                     CRubiTickets(void);
   void              Reset(void);
   void              Add(const ulong ticket,const long time_msc);
   int               Count(void) const;
   ulong             Ticket(const int index) const;
   void              Skip(const int index);
   void              Fly(const int count);
   void              Land(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiTickets::CRubiTickets(void)
  {
   m_count=0;
   m_known_count=0;
   m_flying=0;
  }
//+------------------------------------------------------------------+
//| Forget everything                                                |
//+------------------------------------------------------------------+
void CRubiTickets::Reset(void)
  {
   m_count=0;
   m_known_count=0;
   m_flying=0;
  }
//+------------------------------------------------------------------+
//| Where a ticket is or would be among those that were seen         |
//+------------------------------------------------------------------+
int CRubiTickets::Place(const ulong ticket) const
  {
   int low=0;
   int high=m_known_count;
   while(low<high)
     {
      int middle=(low+high)/2;
      if(m_known[middle]<ticket)
         low=middle+1;
      else
         high=middle;
     }
   return(low);
  }
//+------------------------------------------------------------------+
//| Queue a ticket that was not seen before                          |
//+------------------------------------------------------------------+
void CRubiTickets::Add(const ulong ticket,const long time_msc)
  {
   int place=Place(ticket);
   if(place<m_known_count && m_known[place]==ticket)
      return;
   ArrayResize(m_known,m_known_count+1,4096);
   for(int k=m_known_count; k>place; k--)
      m_known[k]=m_known[k-1];
   m_known[place]=ticket;
   m_known_count++;
   ArrayResize(m_queue,m_count+1,1024);
   ArrayResize(m_times,m_count+1,1024);
   int at=m_count;
//--- what flies keeps its place
   while(at>m_flying && (m_times[at-1]>time_msc || (m_times[at-1]==time_msc && m_queue[at-1]>ticket)))
     {
      m_queue[at]=m_queue[at-1];
      m_times[at]=m_times[at-1];
      at--;
     }
   m_queue[at]=ticket;
   m_times[at]=time_msc;
   m_count++;
  }
//+------------------------------------------------------------------+
//| Tickets that wait or fly                                         |
//+------------------------------------------------------------------+
int CRubiTickets::Count(void) const
  {
   return(m_count);
  }
//+------------------------------------------------------------------+
//| A ticket of the queue                                            |
//+------------------------------------------------------------------+
ulong CRubiTickets::Ticket(const int index) const
  {
   return(m_queue[index]);
  }
//+------------------------------------------------------------------+
//| Forget a ticket, so that a later look at history finds it anew   |
//+------------------------------------------------------------------+
void CRubiTickets::Skip(const int index)
  {
   int place=Place(m_queue[index]);
   for(int k=place+1; k<m_known_count; k++)
      m_known[k-1]=m_known[k];
   m_known_count--;
   for(int i=index+1; i<m_count; i++)
     {
      m_queue[i-1]=m_queue[i];
      m_times[i-1]=m_times[i];
     }
   m_count--;
  }
//+------------------------------------------------------------------+
//| The first ones are on their way                                  |
//+------------------------------------------------------------------+
void CRubiTickets::Fly(const int count)
  {
   m_flying=count;
  }
//+------------------------------------------------------------------+
//| The service has what was on its way                              |
//+------------------------------------------------------------------+
void CRubiTickets::Land(void)
  {
   for(int i=m_flying; i<m_count; i++)
     {
      m_queue[i-m_flying]=m_queue[i];
      m_times[i-m_flying]=m_times[i];
     }
   m_count-=m_flying;
   m_flying=0;
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiDeals.                                                |
//| Purpose: the deals and the ended orders that the service does    |
//|          not have. The broker's history is the outbox: events    |
//|          only say "look now", a look every 30 s finds the rest.  |
//+------------------------------------------------------------------+
class CRubiDeals
  {
private:
   CRubiTickets      m_deals;
   CRubiTickets      m_orders;
   long              m_cursor;         // milliseconds, broker wall clock
   int               m_days;
   bool              m_dirty;
   ulong             m_scanned;

   void              Scan(void);
   bool              WriteDeal(CRubiJsonWriter &writer,const ulong ticket,const bool first) const;
   bool              WriteOrder(CRubiJsonWriter &writer,const ulong ticket,const bool first) const;

public:
                     CRubiDeals(void);
   void              Configure(const CRubiSettings &settings);
   void              Resume(const long cursor_msc);
   void              Advance(const long cursor_msc);
   void              Dirty(void);
   bool              Waiting(void) const;
   bool              Backlog(void) const;
   void              Write(CRubiJsonWriter &writer,const bool with_orders);
   void              Acknowledged(void);
   void              Dropped(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiDeals::CRubiDeals(void)
  {
   m_cursor=0;
   m_days=1;
   m_dirty=true;
   m_scanned=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiDeals::Configure(const CRubiSettings &settings)
  {
   m_days=settings.m_history_days;
  }
//+------------------------------------------------------------------+
//| Begin where the service has got to                               |
//+------------------------------------------------------------------+
void CRubiDeals::Resume(const long cursor_msc)
  {
   m_deals.Reset();
   m_orders.Reset();
   m_cursor=cursor_msc;
   m_dirty=true;
  }
//+------------------------------------------------------------------+
//| The service has got further                                      |
//+------------------------------------------------------------------+
void CRubiDeals::Advance(const long cursor_msc)
  {
   if(cursor_msc>m_cursor)
      m_cursor=cursor_msc;
  }
//+------------------------------------------------------------------+
//| Something happened: look at the next cycle                       |
//+------------------------------------------------------------------+
void CRubiDeals::Dirty(void)
  {
   m_dirty=true;
  }
//+------------------------------------------------------------------+
//| Is there something to send, or to look for                       |
//+------------------------------------------------------------------+
bool CRubiDeals::Waiting(void) const
  {
   return(m_dirty || Backlog());
  }
//+------------------------------------------------------------------+
//| Is there more than one message could hold                        |
//+------------------------------------------------------------------+
bool CRubiDeals::Backlog(void) const
  {
   return(m_deals.Count()>0 || m_orders.Count()>0);
  }
//+------------------------------------------------------------------+
//| Queue what history has and the service has not. It begins a day  |
//| before the cursor: a deal may reach the terminal late.           |
//+------------------------------------------------------------------+
void CRubiDeals::Scan(void)
  {
   long now=(long)TimeTradeServer();
   long from=now-(long)m_days*RUBI_DAY_SECONDS;
   if(m_cursor>0)
      from=m_cursor/1000-RUBI_DAY_SECONDS;
   if(!HistorySelect((datetime)from,(datetime)(now+RUBI_DAY_SECONDS)))
      return;
   int total=HistoryDealsTotal();
   for(int i=0; i<total; i++)
     {
      ulong ticket=HistoryDealGetTicket(i);
      if(ticket>0)
         m_deals.Add(ticket,HistoryDealGetInteger(ticket,DEAL_TIME_MSC));
     }
   total=HistoryOrdersTotal();
   for(int i=0; i<total; i++)
     {
      ulong ticket=HistoryOrderGetTicket(i);
      if(ticket>0)
         m_orders.Add(ticket,HistoryOrderGetInteger(ticket,ORDER_TIME_DONE_MSC));
     }
   m_dirty=false;
   m_scanned=GetTickCount64();
  }
//+------------------------------------------------------------------+
//| Write the oldest ones. One whose details the terminal does not   |
//| have yet is left for the next look: it must not hold up the rest |
//+------------------------------------------------------------------+
void CRubiDeals::Write(CRubiJsonWriter &writer,const bool with_orders)
  {
   if(m_dirty || GetTickCount64()-m_scanned>RUBI_HISTORY_MS)
      Scan();
   int written=0;
   while(written<m_deals.Count() && written<RUBI_DEALS_PER_SYNC)
     {
      if(WriteDeal(writer,m_deals.Ticket(written),written==0))
         written++;
      else
         m_deals.Skip(written);
     }
   if(written>0)
      writer.CloseList();
   m_deals.Fly(written);
   if(!with_orders)
      return;
   written=0;
   while(written<m_orders.Count() && written<RUBI_ORDERS_PER_SYNC)
     {
      if(WriteOrder(writer,m_orders.Ticket(written),written==0))
         written++;
      else
         m_orders.Skip(written);
     }
   if(written>0)
      writer.CloseList();
   m_orders.Fly(written);
  }
//+------------------------------------------------------------------+
//| One deal                                                         |
//+------------------------------------------------------------------+
bool CRubiDeals::WriteDeal(CRubiJsonWriter &writer,const ulong ticket,const bool first) const
  {
   if(!HistoryDealSelect(ticket))
      return(false);
   string type=EnumToString((ENUM_DEAL_TYPE)HistoryDealGetInteger(ticket,DEAL_TYPE));
   string way=EnumToString((ENUM_DEAL_ENTRY)HistoryDealGetInteger(ticket,DEAL_ENTRY));
   string reason=EnumToString((ENUM_DEAL_REASON)HistoryDealGetInteger(ticket,DEAL_REASON));
   type=RubiName(type,"DEAL_TYPE_");
   if(first)
      writer.OpenList("deals");
   writer.OpenObject("");
   writer.PutTicket("ticket",ticket);
   writer.PutTicket("order",(ulong)HistoryDealGetInteger(ticket,DEAL_ORDER));
   writer.PutTicket("position_id",(ulong)HistoryDealGetInteger(ticket,DEAL_POSITION_ID));
   writer.PutText("symbol",HistoryDealGetString(ticket,DEAL_SYMBOL));
   writer.PutText("type",RubiName(type,"DEAL_"));
   writer.PutText("entry",RubiName(way,"DEAL_ENTRY_"));
   writer.PutNumber("volume",HistoryDealGetDouble(ticket,DEAL_VOLUME));
   writer.PutNumber("price",HistoryDealGetDouble(ticket,DEAL_PRICE));
   writer.PutNumber("sl",HistoryDealGetDouble(ticket,DEAL_SL));
   writer.PutNumber("tp",HistoryDealGetDouble(ticket,DEAL_TP));
   writer.PutNumber("profit",HistoryDealGetDouble(ticket,DEAL_PROFIT));
   writer.PutNumber("swap",HistoryDealGetDouble(ticket,DEAL_SWAP));
   writer.PutNumber("commission",HistoryDealGetDouble(ticket,DEAL_COMMISSION));
   writer.PutNumber("fee",HistoryDealGetDouble(ticket,DEAL_FEE));
   writer.PutTicket("magic",(ulong)HistoryDealGetInteger(ticket,DEAL_MAGIC));
   writer.PutText("comment",HistoryDealGetString(ticket,DEAL_COMMENT));
   writer.PutText("reason",RubiName(reason,"DEAL_REASON_"));
   writer.PutLong("time_msc",HistoryDealGetInteger(ticket,DEAL_TIME_MSC));
   writer.CloseObject();
   return(true);
  }
//+------------------------------------------------------------------+
//| One order that left the book                                     |
//+------------------------------------------------------------------+
bool CRubiDeals::WriteOrder(CRubiJsonWriter &writer,const ulong ticket,const bool first) const
  {
   if(!HistoryOrderSelect(ticket))
      return(false);
   string type=EnumToString((ENUM_ORDER_TYPE)HistoryOrderGetInteger(ticket,ORDER_TYPE));
   string state=EnumToString((ENUM_ORDER_STATE)HistoryOrderGetInteger(ticket,ORDER_STATE));
   if(first)
      writer.OpenList("order_history");
   writer.OpenObject("");
   writer.PutTicket("ticket",ticket);
   writer.PutText("state",RubiName(state,"ORDER_STATE_"));
   writer.PutLong("time_done_msc",HistoryOrderGetInteger(ticket,ORDER_TIME_DONE_MSC));
   writer.PutTicket("position_id",(ulong)HistoryOrderGetInteger(ticket,ORDER_POSITION_ID));
   writer.PutText("symbol",HistoryOrderGetString(ticket,ORDER_SYMBOL));
   writer.PutText("type",RubiName(type,"ORDER_TYPE_"));
   writer.PutNumber("volume_initial",HistoryOrderGetDouble(ticket,ORDER_VOLUME_INITIAL));
   writer.PutNumber("volume_current",HistoryOrderGetDouble(ticket,ORDER_VOLUME_CURRENT));
   writer.PutTicket("magic",(ulong)HistoryOrderGetInteger(ticket,ORDER_MAGIC));
   writer.PutText("comment",HistoryOrderGetString(ticket,ORDER_COMMENT));
   writer.CloseObject();
   return(true);
  }
//+------------------------------------------------------------------+
//| The service has what was written last                            |
//+------------------------------------------------------------------+
void CRubiDeals::Acknowledged(void)
  {
   m_deals.Land();
   m_orders.Land();
  }
//+------------------------------------------------------------------+
//| What was written last will be written anew                       |
//+------------------------------------------------------------------+
void CRubiDeals::Dropped(void)
  {
   m_deals.Fly(0);
   m_orders.Fly(0);
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                      Folders.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Make a folder and every folder above it                          |
//+------------------------------------------------------------------+
void RubiMakeFolder(const string path,const int common)
  {
   int size=StringLen(path);
   for(int i=1; i<size; i++)
     {
      if(StringGetCharacter(path,i)=='/')
         FolderCreate(StringSubstr(path,0,i),common);
     }
   FolderCreate(path,common);
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                        Guard.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                      Command.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| A deadline in unix seconds out of either of its two fields;      |
//| the whole second that both name is still inside                  |
//+------------------------------------------------------------------+
long RubiDeadline(const CRubiJsonReader &reader,const int node,const string seconds_key,const string iso_key)
  {
   long seconds=reader.LongOf(node,seconds_key);
   if(seconds>0)
      return(seconds);
   return(RubiFromIso(reader.TextOf(node,iso_key))/1000);
  }
//+------------------------------------------------------------------+
//| The part of a command that its sha256 covers                     |
//+------------------------------------------------------------------+
string RubiSignedText(const CRubiJsonReader &reader,const int node)
  {
   string text=reader.TextOf(node,"order_id");
   text+="|"+reader.TextOf(node,"kind");
   text+="|"+reader.TextOf(node,"symbol");
   text+="|"+reader.TextOf(node,"side");
   text+="|"+reader.TextOf(node,"order_type");
   text+="|"+reader.TextOf(node,"volume");
   text+="|"+reader.TextOf(node,"price");
   text+="|"+reader.TextOf(node,"sl");
   text+="|"+reader.TextOf(node,"tp");
   text+="|"+reader.TextOf(node,"position_ticket");
   text+="|"+reader.TextOf(node,"order_ticket");
   return(text);
  }
//+------------------------------------------------------------------+
//| Seconds of the broker's clock out of an expiration               |
//+------------------------------------------------------------------+
long RubiExpiration(const CRubiJsonReader &reader,const int node)
  {
   if(!reader.Present(node))
      return(0);
   if(reader.Kind(node)==RUBI_JSON_NUMBER)
      return(reader.Long(node));
   long utc=RubiFromIso(reader.Text(node))/1000;
   if(utc<=0)
      return(reader.Long(node));
//--- whole quarters of an hour: the two clocks tick apart
   double quarters=((double)TimeTradeServer()-(double)TimeGMT())/900.0;
   return(utc+(long)MathRound(quarters)*900);
  }
//+------------------------------------------------------------------+
//| A command out of an answer; false when it has no order id        |
//+------------------------------------------------------------------+
bool RubiReadCommand(const CRubiJsonReader &reader,const int node,SRubiCommand &command)
  {
   command.order_id=reader.LongOf(node,"order_id");
   command.lease_id=reader.TextOf(node,"lease_id");
   command.not_after=RubiDeadline(reader,node,"not_after_gmt","not_after");
   command.lease_expires=RubiDeadline(reader,node,"lease_expires_gmt","lease_expires_at");
   command.kind=reader.TextOf(node,"kind");
   command.symbol=reader.TextOf(node,"symbol");
   command.side=reader.TextOf(node,"side");
   command.order_type=reader.TextOf(node,"order_type");
   command.volume=reader.NumberOf(node,"volume");
   command.price=reader.NumberOf(node,"price");
   command.stop_limit=reader.NumberOf(node,"stop_limit");
   command.sl=reader.NumberOf(node,"sl");
   command.tp=reader.NumberOf(node,"tp");
   command.has_sl=reader.Present(reader.Find(node,"sl"));
   command.has_tp=reader.Present(reader.Find(node,"tp"));
   command.deviation=-1;
   if(reader.Present(reader.Find(node,"deviation_points")))
      command.deviation=(int)reader.LongOf(node,"deviation_points");
   command.filling=reader.TextOf(node,"filling");
   command.type_time=reader.TextOf(node,"type_time");
   command.expiration=RubiExpiration(reader,reader.Find(node,"expiration"));
   command.magic=reader.Ticket(reader.Find(node,"magic"));
   command.comment=RubiCut(reader.TextOf(node,"comment"),0,31);
   command.position_ticket=reader.Ticket(reader.Find(node,"position_ticket"));
   command.order_ticket=reader.Ticket(reader.Find(node,"order_ticket"));
   int guards=reader.Find(node,"guards");
   int band=reader.First(reader.Find(guards,"price_band"));
   command.max_spread=reader.NumberOf(guards,"max_spread_points");
   command.band_low=reader.Number(band);
   command.band_high=reader.Number(reader.Next(band));
   command.reduce_only=reader.Flag(reader.Find(guards,"reduce_only"));
   command.expect_volume=reader.NumberOf(guards,"expect_volume");
   command.sha256=reader.TextOf(node,"sha256");
   StringToLower(command.sha256);
   command.signed_text=RubiSignedText(reader,node);
   return(command.order_id>0);
  }
//+------------------------------------------------------------------+
//| Is the command the one that the service signed                   |
//+------------------------------------------------------------------+
bool RubiCommandGenuine(const SRubiCommand &command)
  {
   return(command.sha256!="" && RubiSha256Hex(command.signed_text)==command.sha256);
  }
//+------------------------------------------------------------------+
//| Does it add to the risk of the account                           |
//+------------------------------------------------------------------+
bool RubiOpens(const string kind)
  {
   return(kind=="OPEN" || kind=="PLACE_PENDING");
  }
//+------------------------------------------------------------------+
//| Does it change what is there                                     |
//+------------------------------------------------------------------+
bool RubiModifies(const string kind)
  {
   return(kind=="MODIFY_POSITION" || kind=="MODIFY_PENDING");
  }
//+------------------------------------------------------------------+
//| Does it take away from the risk of the account                   |
//+------------------------------------------------------------------+
bool RubiReduces(const string kind)
  {
   return(kind=="CLOSE_POSITION" || kind=="CLOSE_PARTIAL" || kind=="CLOSE_BY" || kind=="CLOSE_ALL" || kind=="CANCEL_PENDING");
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                        Rules.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiRules.                                                |
//| Purpose: what a symbol allows: quotes, grid of prices, steps of  |
//|          volumes, filling, stops and freeze levels.              |
//+------------------------------------------------------------------+
class CRubiRules
  {
public:
   static bool       ReadyNow(const string symbol);
   static bool       Ready(const string symbol);
   static bool       Quote(const string symbol,MqlTick &tick);
   static double     Price(const string symbol,const double price);
   static double     Volume(const string symbol,const double volume);
   static int        Fillings(const string symbol,const string wanted,ENUM_ORDER_TYPE_FILLING &modes[]);
   static bool       TypeTime(const string symbol,const string wanted,ENUM_ORDER_TYPE_TIME &type_time);
   static string     TradeModeFault(const string symbol,const bool buy);
   static string     StopsFault(const string symbol,const bool buy,const double reference,const double sl,const double tp);
   static string     PendingFault(const string symbol,const ENUM_ORDER_TYPE type,const double price,const double stop_limit);
   static bool       Frozen(const string symbol,const double price,const double market);
   static bool       PendingType(const string side,const string order_type,ENUM_ORDER_TYPE &type);
   static bool       Meant(const string symbol,const string side);
   static bool       BuySide(const ENUM_ORDER_TYPE type);
  };
//+------------------------------------------------------------------+
//| Known, in Market Watch and synchronised at this moment           |
//+------------------------------------------------------------------+
bool CRubiRules::ReadyNow(const string symbol)
  {
   MqlTick tick;
   if(symbol=="" || !SymbolSelect(symbol,true))
      return(false);
   return(SymbolIsSynchronized(symbol) && Quote(symbol,tick));
  }
//+------------------------------------------------------------------+
//| The same, after a wait of a second at most                       |
//+------------------------------------------------------------------+
bool CRubiRules::Ready(const string symbol)
  {
   if(symbol=="" || !SymbolSelect(symbol,true))
      return(false);
   for(int i=0; i<RUBI_SYMBOL_TRIES; i++)
     {
      if(ReadyNow(symbol))
         return(true);
      Sleep(RUBI_SYMBOL_SLEEP_MS);
     }
   return(false);
  }
//+------------------------------------------------------------------+
//| The last quote, both sides of it                                 |
//+------------------------------------------------------------------+
bool CRubiRules::Quote(const string symbol,MqlTick &tick)
  {
   if(!SymbolInfoTick(symbol,tick))
      return(false);
   return(tick.bid>0.0 && tick.ask>0.0);
  }
//+------------------------------------------------------------------+
//| A price on the grid of ticks; 0 stays 0                          |
//+------------------------------------------------------------------+
double CRubiRules::Price(const string symbol,const double price)
  {
   if(price<=0.0)
      return(0.0);
   int    digits=(int)SymbolInfoInteger(symbol,SYMBOL_DIGITS);
   double size=SymbolInfoDouble(symbol,SYMBOL_TRADE_TICK_SIZE);
   if(size<=0.0)
      return(NormalizeDouble(price,digits));
   return(NormalizeDouble(MathRound(price/size)*size,digits));
  }
//+------------------------------------------------------------------+
//| A volume on the grid of steps, never more than asked; 0 when it  |
//| would be below the minimum                                       |
//+------------------------------------------------------------------+
double CRubiRules::Volume(const string symbol,const double volume)
  {
   double least=SymbolInfoDouble(symbol,SYMBOL_VOLUME_MIN);
   double step=SymbolInfoDouble(symbol,SYMBOL_VOLUME_STEP);
   if(volume<=0.0 || step<=0.0)
      return(0.0);
//--- 0.3/0.1 is 2.9999999999999996
   double rounded=NormalizeDouble(MathFloor(volume/step+0.0000001)*step,8);
   if(rounded<least-0.00000001)
      return(0.0);
   return(rounded);
  }
//+------------------------------------------------------------------+
//| Filling modes to try for a market order, best first.             |
//| SYMBOL_FILLING_MODE is a set of flags, not the enumeration.      |
//| RETURN is forbidden under market execution.                      |
//+------------------------------------------------------------------+
int CRubiRules::Fillings(const string symbol,const string wanted,ENUM_ORDER_TYPE_FILLING &modes[])
  {
   long flags=SymbolInfoInteger(symbol,SYMBOL_FILLING_MODE);
   ENUM_SYMBOL_TRADE_EXECUTION execution=(ENUM_SYMBOL_TRADE_EXECUTION)SymbolInfoInteger(symbol,SYMBOL_TRADE_EXEMODE);
   bool fok=((flags&SYMBOL_FILLING_FOK)!=0);
   bool ioc=((flags&SYMBOL_FILLING_IOC)!=0);
   bool rest=(execution!=SYMBOL_TRADE_EXECUTION_MARKET);
   int  count=0;
   ArrayResize(modes,3);
   if(wanted=="IOC" && ioc)
     {
      modes[count]=ORDER_FILLING_IOC;
      count++;
      ioc=false;
     }
   if(wanted=="RETURN" && rest)
     {
      modes[count]=ORDER_FILLING_RETURN;
      count++;
      rest=false;
     }
   if(fok)
     {
      modes[count]=ORDER_FILLING_FOK;
      count++;
     }
   if(ioc)
     {
      modes[count]=ORDER_FILLING_IOC;
      count++;
     }
   if(rest)
     {
      modes[count]=ORDER_FILLING_RETURN;
      count++;
     }
   if(count==0)
     {
      modes[0]=ORDER_FILLING_FOK;
      count=1;
     }
   ArrayResize(modes,count);
   return(count);
  }
//+------------------------------------------------------------------+
//| How long a pending order lives, when the symbol allows it        |
//+------------------------------------------------------------------+
bool CRubiRules::TypeTime(const string symbol,const string wanted,ENUM_ORDER_TYPE_TIME &type_time)
  {
   long flags=SymbolInfoInteger(symbol,SYMBOL_EXPIRATION_MODE);
   if(wanted=="DAY")
     {
      type_time=ORDER_TIME_DAY;
      return((flags&SYMBOL_EXPIRATION_DAY)!=0);
     }
   if(wanted=="SPECIFIED")
     {
      type_time=ORDER_TIME_SPECIFIED;
      return((flags&SYMBOL_EXPIRATION_SPECIFIED)!=0);
     }
   if(wanted=="SPECIFIED_DAY")
     {
      type_time=ORDER_TIME_SPECIFIED_DAY;
      return((flags&SYMBOL_EXPIRATION_SPECIFIED_DAY)!=0);
     }
   type_time=ORDER_TIME_GTC;
   return((flags&SYMBOL_EXPIRATION_GTC)!=0);
  }
//+------------------------------------------------------------------+
//| May a position be opened on this side now; a code or empty       |
//+------------------------------------------------------------------+
string CRubiRules::TradeModeFault(const string symbol,const bool buy)
  {
   ENUM_SYMBOL_TRADE_MODE mode=(ENUM_SYMBOL_TRADE_MODE)SymbolInfoInteger(symbol,SYMBOL_TRADE_MODE);
   if(mode==SYMBOL_TRADE_MODE_DISABLED)
      return("SYMBOL_TRADE_DISABLED");
   if(mode==SYMBOL_TRADE_MODE_CLOSEONLY)
      return("SYMBOL_CLOSE_ONLY");
   if(mode==SYMBOL_TRADE_MODE_LONGONLY && !buy)
      return("SYMBOL_LONG_ONLY");
   if(mode==SYMBOL_TRADE_MODE_SHORTONLY && buy)
      return("SYMBOL_SHORT_ONLY");
   return("");
  }
//+------------------------------------------------------------------+
//| Are the stops on their right sides and far enough from the price |
//| at which the position would close; a code or empty               |
//+------------------------------------------------------------------+
string CRubiRules::StopsFault(const string symbol,const bool buy,const double reference,const double sl,const double tp)
  {
   double point=SymbolInfoDouble(symbol,SYMBOL_POINT);
   double level=(double)SymbolInfoInteger(symbol,SYMBOL_TRADE_STOPS_LEVEL)*point;
   double slack=point/10.0;
   double to_sl=buy ? reference-sl : sl-reference;
   double to_tp=buy ? tp-reference : reference-tp;
   if(sl>0.0 && to_sl<=0.0)
      return("STOP_ON_WRONG_SIDE");
   if(tp>0.0 && to_tp<=0.0)
      return("TAKE_PROFIT_ON_WRONG_SIDE");
   if(sl>0.0 && to_sl<level-slack)
      return("STOP_TOO_CLOSE");
   if(tp>0.0 && to_tp<level-slack)
      return("TAKE_PROFIT_TOO_CLOSE");
   return("");
  }
//+------------------------------------------------------------------+
//| Is a pending price on its right side of the market; a code       |
//+------------------------------------------------------------------+
string CRubiRules::PendingFault(const string symbol,const ENUM_ORDER_TYPE type,const double price,const double stop_limit)
  {
   MqlTick tick;
   if(!Quote(symbol,tick))
      return("NO_QUOTE");
   double point=SymbolInfoDouble(symbol,SYMBOL_POINT);
   double level=(double)SymbolInfoInteger(symbol,SYMBOL_TRADE_STOPS_LEVEL)*point;
   double distance=0.0;
   switch(type)
     {
      case ORDER_TYPE_BUY_LIMIT:
         distance=tick.ask-price;
         break;
      case ORDER_TYPE_SELL_LIMIT:
         distance=price-tick.bid;
         break;
      case ORDER_TYPE_BUY_STOP:
      case ORDER_TYPE_BUY_STOP_LIMIT:
         distance=price-tick.ask;
         break;
      default:
         distance=tick.bid-price;
         break;
     }
   if(distance<=0.0)
      return("PRICE_ON_WRONG_SIDE");
   if(distance<level-point/10.0)
      return("PRICE_TOO_CLOSE");
   bool with_limit=(type==ORDER_TYPE_BUY_STOP_LIMIT || type==ORDER_TYPE_SELL_STOP_LIMIT);
   if(with_limit && stop_limit<=0.0)
      return("STOP_LIMIT_PRICE_MISSING");
   return("");
  }
//+------------------------------------------------------------------+
//| Is a level so near to the market that the broker freezes it      |
//+------------------------------------------------------------------+
bool CRubiRules::Frozen(const string symbol,const double price,const double market)
  {
   long level=SymbolInfoInteger(symbol,SYMBOL_TRADE_FREEZE_LEVEL);
   if(level<=0 || price<=0.0)
      return(false);
   return(MathAbs(price-market)<=(double)level*SymbolInfoDouble(symbol,SYMBOL_POINT));
  }
//+------------------------------------------------------------------+
//| MT5's type of a pending order                                    |
//+------------------------------------------------------------------+
bool CRubiRules::PendingType(const string side,const string order_type,ENUM_ORDER_TYPE &type)
  {
   bool buy=(side=="BUY");
   if(!buy && side!="SELL")
      return(false);
   if(order_type=="LIMIT")
      type=buy ? ORDER_TYPE_BUY_LIMIT : ORDER_TYPE_SELL_LIMIT;
   else
      if(order_type=="STOP")
         type=buy ? ORDER_TYPE_BUY_STOP : ORDER_TYPE_SELL_STOP;
      else
         if(order_type=="STOP_LIMIT")
            type=buy ? ORDER_TYPE_BUY_STOP_LIMIT : ORDER_TYPE_SELL_STOP_LIMIT;
         else
            return(false);
   return(true);
  }
//+------------------------------------------------------------------+
//| Is the selected position of the symbol and side; empty: of any   |
//+------------------------------------------------------------------+
bool CRubiRules::Meant(const string symbol,const string side)
  {
   bool buy=((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_BUY);
   if(symbol!="" && PositionGetString(POSITION_SYMBOL)!=symbol)
      return(false);
   return(side=="" || side==(buy ? "BUY" : "SELL"));
  }
//+------------------------------------------------------------------+
//| Does an order of this type buy                                   |
//+------------------------------------------------------------------+
bool CRubiRules::BuySide(const ENUM_ORDER_TYPE type)
  {
   return(type==ORDER_TYPE_BUY || type==ORDER_TYPE_BUY_LIMIT || type==ORDER_TYPE_BUY_STOP || type==ORDER_TYPE_BUY_STOP_LIMIT);
  }
//+------------------------------------------------------------------+
//--- a global variable (F3 in the terminal) that stops all opening
#define RUBI_STOP_VARIABLE       "Rubi.stop"
//+------------------------------------------------------------------+
//| Class CRubiGuard.                                                |
//| Purpose: what this terminal refuses, whatever the service says.  |
//|          The stricter of its own limits and the service's rules. |
//|          An answer is a code, or empty for "go".                 |
//+------------------------------------------------------------------+
class CRubiGuard
  {
private:
   bool              m_trading;
   bool              m_demo_only;
   bool              m_need_stop;
   double            m_own_risk;
   int               m_own_positions;
   double            m_own_lot;
   int               m_own_rate;
   int               m_quote_age;
   double            m_risk;
   int               m_positions;
   double            m_lot;
   int               m_rate;
   bool              m_demo_service;
   int               m_before;         // positions before this batch of commands
   int               m_added;          // by this batch, whether they are visible yet or not
   ulong             m_sent[];
   int               m_sent_count;

   string            Rate(void);
   string            Slots(const SRubiCommand &command) const;

public:
                     CRubiGuard(void);
   void              Configure(const CRubiSettings &settings);
   void              TakeLimits(const CRubiJsonReader &reader,const int node);
   string            Allows(const SRubiCommand &command);
   string            Fresh(const SRubiCommand &command,const double price) const;
   string            Risk(const string symbol,const bool buy,const double volume,const double entry,const double sl) const;
   string            Margin(const string symbol,const ENUM_ORDER_TYPE type,const double volume,const double price) const;
   void              Batch(void);
   void              Added(const int positions);
   void              Sent(void);
   bool              DemoOnly(void) const;
   bool              Trading(void) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiGuard::CRubiGuard(void)
  {
   m_trading=false;
   m_demo_only=true;
   m_need_stop=true;
   m_own_risk=0.0;
   m_own_positions=0;
   m_own_lot=0.0;
   m_own_rate=0;
   m_quote_age=0;
   m_risk=0.0;
   m_positions=0;
   m_lot=0.0;
   m_rate=0;
   m_demo_service=false;
   m_before=0;
   m_added=0;
   m_sent_count=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiGuard::Configure(const CRubiSettings &settings)
  {
   m_trading=settings.m_trading;
   m_demo_only=settings.m_demo_only;
   m_need_stop=settings.m_need_stop;
   m_own_risk=settings.m_max_risk;
   m_own_positions=settings.m_max_positions;
   m_own_lot=settings.m_max_lot;
   m_own_rate=settings.m_max_per_minute;
   m_quote_age=settings.m_quote_age;
   m_risk=m_own_risk;
   m_positions=m_own_positions;
   m_lot=m_own_lot;
   m_rate=m_own_rate;
   m_demo_service=false;
  }
//+------------------------------------------------------------------+
//| Take the service's limits where they are stricter                |
//+------------------------------------------------------------------+
void CRubiGuard::TakeLimits(const CRubiJsonReader &reader,const int node)
  {
   if(reader.Kind(node)!=RUBI_JSON_OBJECT)
      return;
   double risk=reader.NumberOf(node,"max_risk_percent");
   double lot=reader.NumberOf(node,"max_volume");
   int    positions=(int)reader.LongOf(node,"max_open_positions");
   int    rate=(int)reader.LongOf(node,"max_orders_per_minute");
   m_risk=(risk>0.0 && risk<m_own_risk) ? risk : m_own_risk;
   m_lot=(lot>0.0 && lot<m_own_lot) ? lot : m_own_lot;
   m_positions=(positions>0 && positions<m_own_positions) ? positions : m_own_positions;
   m_rate=(rate>0 && rate<m_own_rate) ? rate : m_own_rate;
   m_demo_service=reader.Flag(reader.Find(node,"demo_only"));
  }
//+------------------------------------------------------------------+
//| May this command be worked on at all                             |
//+------------------------------------------------------------------+
string CRubiGuard::Allows(const SRubiCommand &command)
  {
   if(!m_trading)
      return("AUTO_TRADING_OFF");
//--- what the service asks for later must not keep a position open that is there already
   if(CRubiAccount::Real() && (m_demo_only || (m_demo_service && !RubiReduces(command.kind))))
      return("DEMO_ONLY");
   string block=CRubiAccount::TradeBlock();
   if(block!="")
      return(block);
   if(RubiReduces(command.kind))
      return("");
//--- closing is never limited from here on
   if(GlobalVariableCheck(RUBI_STOP_VARIABLE) && GlobalVariableGet(RUBI_STOP_VARIABLE)>0.0)
      return("KILL_SWITCH");
   string rate=Rate();
   if(rate!="")
      return(rate);
   if(!RubiOpens(command.kind))
      return("");
   if(command.volume>m_lot+0.00000001)
      return("MAX_VOLUME");
   if(m_need_stop && command.sl<=0.0 && !command.reduce_only)
      return("NO_STOP_LOSS");
   return(Slots(command));
  }
//+------------------------------------------------------------------+
//| Is there room for one more position                              |
//+------------------------------------------------------------------+
string CRubiGuard::Slots(const SRubiCommand &command) const
  {
   int taken=PositionsTotal();
//--- a position shows a moment after its OrderSend
   if(m_before+m_added>taken)
      taken=m_before+m_added;
   if(command.kind=="PLACE_PENDING")
     {
      int limit=(int)AccountInfoInteger(ACCOUNT_LIMIT_ORDERS);
      if(limit>0 && OrdersTotal()>=limit)
         return("MAX_PENDING_ORDERS");
      taken+=OrdersTotal();
     }
   if(command.reduce_only || taken<m_positions)
      return("");
//--- one position per symbol: more of it takes no new place
   if(!CRubiAccount::Hedging() && PositionSelect(command.symbol))
      return("");
   return("MAX_OPEN_POSITIONS");
  }
//+------------------------------------------------------------------+
//| Orders of the last minute                                        |
//+------------------------------------------------------------------+
string CRubiGuard::Rate(void)
  {
   ulong now=GetTickCount64();
   int   kept=0;
   for(int i=0; i<m_sent_count; i++)
     {
      if(now-m_sent[i]>=60000)
         continue;
      m_sent[kept]=m_sent[i];
      kept++;
     }
   m_sent_count=kept;
   if(m_sent_count>=m_rate)
      return("MAX_ORDERS_PER_MINUTE");
   return("");
  }
//+------------------------------------------------------------------+
//| Some commands follow one another                                 |
//+------------------------------------------------------------------+
void CRubiGuard::Batch(void)
  {
   m_before=PositionsTotal();
   m_added=0;
  }
//+------------------------------------------------------------------+
//| A command opened (1) or closed (-1) a position                   |
//+------------------------------------------------------------------+
void CRubiGuard::Added(const int positions)
  {
   m_added+=positions;
  }
//+------------------------------------------------------------------+
//| An order that counts in the minute was sent                      |
//+------------------------------------------------------------------+
void CRubiGuard::Sent(void)
  {
   ArrayResize(m_sent,m_sent_count+1,64);
   m_sent[m_sent_count]=GetTickCount64();
   m_sent_count++;
  }
//+------------------------------------------------------------------+
//| Quote, spread and price band at the moment of sending            |
//+------------------------------------------------------------------+
string CRubiGuard::Fresh(const SRubiCommand &command,const double price) const
  {
   MqlTick tick;
   if(!CRubiRules::Quote(command.symbol,tick))
      return("NO_QUOTE");
   if(RubiOpens(command.kind))
     {
      if((long)TimeTradeServer()-(long)tick.time>(long)m_quote_age)
         return("STALE_QUOTE");
      double point=SymbolInfoDouble(command.symbol,SYMBOL_POINT);
      if(command.max_spread>0.0 && tick.ask-tick.bid>(command.max_spread+0.1)*point)
         return("SPREAD_TOO_WIDE");
     }
   if(command.band_low>0.0 && price<command.band_low)
      return("PRICE_OUT_OF_BAND");
   if(command.band_high>0.0 && price>command.band_high)
      return("PRICE_OUT_OF_BAND");
   return("");
  }
//+------------------------------------------------------------------+
//| Would the stop lose more than the allowed part of the equity     |
//+------------------------------------------------------------------+
string CRubiGuard::Risk(const string symbol,const bool buy,const double volume,const double entry,const double sl) const
  {
   if(sl<=0.0)
      return(m_need_stop ? "NO_STOP_LOSS" : "");
   double          profit=0.0;
   ENUM_ORDER_TYPE type=buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL;
   if(!OrderCalcProfit(type,symbol,volume,entry,sl,profit))
      return("RISK_UNKNOWN");
   double equity=AccountInfoDouble(ACCOUNT_EQUITY);
   if(equity<=0.0)
      return("RISK_UNKNOWN");
   if(-profit>equity*m_risk/100.0+0.005)
      return("MAX_RISK");
   return("");
  }
//+------------------------------------------------------------------+
//| Is there margin for it                                           |
//+------------------------------------------------------------------+
string CRubiGuard::Margin(const string symbol,const ENUM_ORDER_TYPE type,const double volume,const double price) const
  {
   double margin=0.0;
   if(!OrderCalcMargin(type,symbol,volume,price,margin))
      return("MARGIN_UNKNOWN");
   if(margin>AccountInfoDouble(ACCOUNT_MARGIN_FREE))
      return("NOT_ENOUGH_MARGIN");
   return("");
  }
//+------------------------------------------------------------------+
//| Are real accounts out of bounds                                  |
//+------------------------------------------------------------------+
bool CRubiGuard::DemoOnly(void) const
  {
   return(m_demo_only || m_demo_service);
  }
//+------------------------------------------------------------------+
//| Does this terminal trade at all                                  |
//+------------------------------------------------------------------+
bool CRubiGuard::Trading(void) const
  {
   return(m_trading);
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                         Http.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                          Log.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| How much is written to the Experts tab                           |
//+------------------------------------------------------------------+
enum ENUM_RUBI_LOG
  {
   RUBI_LOG_ERROR,         // errors only
   RUBI_LOG_INFO,          // errors and events
   RUBI_LOG_DEBUG          // every cycle
  };
//+------------------------------------------------------------------+
//| Class CRubiLog.                                                  |
//| Purpose: lines in the Experts tab; the same line at most once a  |
//|          minute. Nobody passes a token or a secret to it.        |
//+------------------------------------------------------------------+
class CRubiLog
  {
private:
   ENUM_RUBI_LOG     m_level;
   string            m_last;
   ulong             m_last_tick;

   void              Write(const string text);

public:
                     CRubiLog(void);
   void              Level(const ENUM_RUBI_LOG level);
   void              Error(const string text);
   void              Info(const string text);
   void              Debug(const string text);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiLog::CRubiLog(void)
  {
   m_level=RUBI_LOG_INFO;
   m_last="";
   m_last_tick=0;
  }
//+------------------------------------------------------------------+
//| Set how much is written                                          |
//+------------------------------------------------------------------+
void CRubiLog::Level(const ENUM_RUBI_LOG level)
  {
   m_level=level;
  }
//+------------------------------------------------------------------+
//| Write a line unless it has just been written                     |
//+------------------------------------------------------------------+
void CRubiLog::Write(const string text)
  {
   ulong now=GetTickCount64();
   if(text==m_last && now-m_last_tick<60000)
      return;
   m_last=text;
   m_last_tick=now;
   Print("Rubi: "+text);
  }
//+------------------------------------------------------------------+
//| Something that needs a person                                    |
//+------------------------------------------------------------------+
void CRubiLog::Error(const string text)
  {
   Write("ERROR "+text);
  }
//+------------------------------------------------------------------+
//| Something that happened                                          |
//+------------------------------------------------------------------+
void CRubiLog::Info(const string text)
  {
   if(m_level>=RUBI_LOG_INFO)
      Write(text);
  }
//+------------------------------------------------------------------+
//| Something for the person who looks for a fault                   |
//+------------------------------------------------------------------+
void CRubiLog::Debug(const string text)
  {
   if(m_level>=RUBI_LOG_DEBUG)
      Write(text);
  }
//--- the one log of the program
CRubiLog ExtLog;
//+------------------------------------------------------------------+
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
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                        Inbox.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                       Outbox.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                        Lines.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
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
//+------------------------------------------------------------------+
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
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiInbox.                                                |
//| Purpose: takes the signal files of strategies out of the common  |
//|          folder. A file is claimed by moving it into this        |
//|          terminal's own folder, so that only one terminal has it.|
//+------------------------------------------------------------------+
class CRubiInbox
  {
private:
   string            m_drop;
   string            m_own;

   int               List(const string folder,const int common,string &names[]) const;
   bool              ReadFile(const string path,string &text) const;
   string            Keyed(const CRubiJsonReader &reader,const string key) const;
   bool              Accept(const string name,const string text,CRubiOutbox &outbox) const;
   void              PutAside(const string name,const string reason) const;

public:
                     CRubiInbox(void);
   void              Open(const string account,const string folder);
   int               Collect(CRubiOutbox &outbox);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiInbox::CRubiInbox(void)
  {
   m_drop="";
   m_own="";
  }
//+------------------------------------------------------------------+
//| Look at the folder of an account                                 |
//+------------------------------------------------------------------+
void CRubiInbox::Open(const string account,const string folder)
  {
   m_drop=RUBI_SIGNAL_FOLDER+"/"+account;
   m_own=folder+"/inbox";
   RubiMakeFolder(m_drop,FILE_COMMON);
   RubiMakeFolder(m_own,0);
  }
//+------------------------------------------------------------------+
//| Signal files of a folder, oldest name first                      |
//+------------------------------------------------------------------+
int CRubiInbox::List(const string folder,const int common,string &names[]) const
  {
   string name="";
   int    count=0;
   ArrayResize(names,0);
   long   search=FileFindFirst(folder+"/*.json",name,common);
   if(search==INVALID_HANDLE)
      return(0);
   bool more=true;
   while(more && count<RUBI_SIGNALS_PER_SYNC)
     {
      //--- insertion keeps the names in order
      ArrayResize(names,count+1);
      int at=count;
      while(at>0 && StringCompare(names[at-1],name)>0)
        {
         names[at]=names[at-1];
         at--;
        }
      names[at]=name;
      count++;
      more=FileFindNext(search,name);
     }
   FileFindClose(search);
   return(count);
  }
//+------------------------------------------------------------------+
//| A whole file as UTF-8                                            |
//+------------------------------------------------------------------+
bool CRubiInbox::ReadFile(const string path,string &text) const
  {
   int handle=FileOpen(path,FILE_READ|FILE_BIN|FILE_SHARE_READ);
   if(handle==INVALID_HANDLE)
      return(false);
   uchar bytes[];
   int   size=(int)FileSize(handle);
   bool  whole=true;
   text="";
   if(size>RUBI_SIGNAL_CHARS*4)
      size=RUBI_SIGNAL_CHARS*4;
   if(size>0)
     {
      whole=((int)FileReadArray(handle,bytes,0,size)==size);
      text=RubiFromBytes(bytes,0,size);
     }
   FileClose(handle);
   return(whole);
  }
//+------------------------------------------------------------------+
//| Set a file aside that is no signal                               |
//+------------------------------------------------------------------+
void CRubiInbox::PutAside(const string name,const string reason) const
  {
   ExtLog.Error("signal file "+name+" set aside as .bad: "+reason);
   FileMove(m_own+"/"+name,0,m_own+"/"+name+".bad",FILE_REWRITE);
  }
//+------------------------------------------------------------------+
//| A signal with its one key; what stood under "key" is left out    |
//+------------------------------------------------------------------+
string CRubiInbox::Keyed(const CRubiJsonReader &reader,const string key) const
  {
   string body="{\"key\":"+CRubiJsonWriter::Quote(key);
   for(int node=reader.First(reader.Root()); node>=0; node=reader.Next(node))
     {
      if(reader.Key(node)!="key")
         body+=","+CRubiJsonWriter::Quote(reader.Key(node))+":"+reader.Json(node);
     }
   return(body+"}");
  }
//+------------------------------------------------------------------+
//| Put a file's signal into the outbox; false when the disk failed  |
//+------------------------------------------------------------------+
bool CRubiInbox::Accept(const string name,const string text,CRubiOutbox &outbox) const
  {
   CRubiJsonReader reader;
   if(StringLen(text)>RUBI_SIGNAL_CHARS || !reader.Parse(text) || reader.Kind(reader.Root())!=RUBI_JSON_OBJECT)
     {
      PutAside(name,"it is not a JSON object of at most 8000 letters");
      return(true);
     }
   int root=reader.Root();
   if(reader.TextOf(root,"symbol")=="" || reader.TextOf(root,"signal_type")=="")
     {
      PutAside(name,"symbol or signal_type is missing");
      return(true);
     }
   if(!reader.Sound())
     {
      PutAside(name,"it has half a letter or a number that is not finite, not below 1e15 or longer than 40 digits");
      return(true);
     }
//--- the service acknowledges by this key, so it must be one that it takes
   int            given=reader.Find(root,"key");
   ENUM_RUBI_JSON kind=reader.Kind(given);
   string         key="";
   if(kind==RUBI_JSON_STRING || kind==RUBI_JSON_NUMBER)
      key=reader.Text(given);
   if(key=="")
      key=RubiCut(name,0,StringLen(name)-5);
   key=RubiKey(key);
   if(!outbox.Add(key,Keyed(reader,key)))
      return(false);
   FileDelete(m_own+"/"+name,0);
   ExtLog.Info("signal "+key+" for "+reader.TextOf(root,"symbol")+" taken");
   return(true);
  }
//+------------------------------------------------------------------+
//| Claim and read what lies there; returns the number of files      |
//+------------------------------------------------------------------+
int CRubiInbox::Collect(CRubiOutbox &outbox)
  {
   string names[];
   int    count=List(m_drop,FILE_COMMON,names);
   for(int i=0; i<count; i++)
      FileMove(m_drop+"/"+names[i],FILE_COMMON,m_own+"/"+names[i],0);
   count=List(m_own,0,names);
   for(int i=0; i<count; i++)
     {
      string text="";
      if(!ReadFile(m_own+"/"+names[i],text))
         continue;
      if(!Accept(names[i],text,outbox))
         return(i);
     }
   return(count);
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                     Instance.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiInstance.                                             |
//| Purpose: who this terminal is, and that it is the only one that  |
//|          works for the account. Two locks: instance.log is kept  |
//|          open alone, which ends with the program however it      |
//|          ends; and a global variable holds the tick of the       |
//|          owner's last heartbeat.                                 |
//+------------------------------------------------------------------+
class CRubiInstance
  {
private:
   CRubiLines        m_file;
   string            m_id;
   string            m_name;
   double            m_held;

   double            Tick(void) const;

public:
                     CRubiInstance(void);
   bool              Open(const string account,const string folder);
   string            Id(void) const;
   bool              Owner(void) const;
   bool              Take(void);
   bool              Beat(void);
   void              Release(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiInstance::CRubiInstance(void)
  {
   m_id="";
   m_name="";
   m_held=0.0;
  }
//+------------------------------------------------------------------+
//| Read or make the identity of this terminal                       |
//+------------------------------------------------------------------+
bool CRubiInstance::Open(const string account,const string folder)
  {
   CRubiJsonReader reader;
   string          lines[];
   m_id="";
   m_held=0.0;
   m_file.Close();
   m_name="Rubi."+StringSubstr(RubiSha256Hex(account),0,24);
   if(!m_file.Open(folder+"/instance.log",lines))
      return(false);
//--- a copied data folder is another terminal
   string home=StringSubstr(RubiSha256Hex(TerminalInfoString(TERMINAL_DATA_PATH)),0,16);
   int    count=ArraySize(lines);
   if(count>0 && reader.Parse(lines[count-1]) && reader.TextOf(reader.Root(),"home")==home)
      m_id=reader.TextOf(reader.Root(),"terminal_instance_id");
   bool kept=true;
   if(m_id=="")
     {
      CRubiJsonWriter writer;
      m_id=RubiUuid(account+home);
      writer.OpenObject("");
      writer.PutText("terminal_instance_id",m_id);
      writer.PutText("home",home);
      writer.CloseObject();
      kept=m_file.Append(writer.Text());
     }
   return(kept);
  }
//+------------------------------------------------------------------+
//| The terminal_instance_id                                         |
//+------------------------------------------------------------------+
string CRubiInstance::Id(void) const
  {
   return(m_id);
  }
//+------------------------------------------------------------------+
//| Is the lock ours                                                 |
//+------------------------------------------------------------------+
bool CRubiInstance::Owner(void) const
  {
   return(m_held>0.0);
  }
//+------------------------------------------------------------------+
//| A tick that is never 0                                           |
//+------------------------------------------------------------------+
double CRubiInstance::Tick(void) const
  {
   return((double)(GetTickCount64()+1));
  }
//+------------------------------------------------------------------+
//| Take the lock when nobody has it or its owner has been silent    |
//+------------------------------------------------------------------+
bool CRubiInstance::Take(void)
  {
   if(m_held>0.0)
      return(true);
   double now=Tick();
//--- lives as long as the terminal: no lock survives a crash of it
   GlobalVariableTemp(m_name);
   double held=GlobalVariableGet(m_name);
   bool   free=(held<=0.0 || held>now || now-held>RUBI_LOCK_STALE_MS);
   if(!free || !GlobalVariableSetOnCondition(m_name,now,held))
      return(false);
   m_held=now;
   return(true);
  }
//+------------------------------------------------------------------+
//| Say that the owner lives; false when another has taken over      |
//+------------------------------------------------------------------+
bool CRubiInstance::Beat(void)
  {
   if(m_held<=0.0)
      return(false);
   double now=Tick();
   if(now-m_held<RUBI_LOCK_BEAT_MS)
      return(GlobalVariableGet(m_name)==m_held);
   if(!GlobalVariableSetOnCondition(m_name,now,m_held))
     {
      m_held=0.0;
      return(false);
     }
   m_held=now;
   return(true);
  }
//+------------------------------------------------------------------+
//| Give the lock back                                               |
//+------------------------------------------------------------------+
void CRubiInstance::Release(void)
  {
   if(m_held>0.0)
      GlobalVariableSetOnCondition(m_name,0.0,m_held);
   m_held=0.0;
   m_file.Close();
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                      Journal.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                 JournalStore.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                 JournalEntry.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| All that the journal knows of one order                          |
//+------------------------------------------------------------------+
struct SRubiEntry
  {
   long              order_id;
   ENUM_RUBI_PHASE   phase;
   string            lease_id;
   string            code;             // why it was refused
   //--- what was to be done
   string            kind;
   string            symbol;
   string            side;
   string            order_type;
   double            volume;
   double            price;
   double            sl;
   double            tp;
   ulong             magic;
   string            comment;
   ulong             position_ticket;
   ulong             order_ticket;
   long              intent_at;        // unix seconds
   long              intent_server;    // seconds, broker wall clock
   int               attempts;
   //--- what came of it
   int               n;                // number of the newest report
   SRubiReport       report;
   string            report_at;
   bool              unsettled;        // the broker may still show it
   //--- what the service knows of it
   bool              ack_done;
   int               acked_n;
   bool              forgotten;
   bool              doubtful;         // lines of the journal were lost after it began
   //--- since this start only
   bool              duplicate;
   ulong             looked;           // tick of the last search
  };
//+------------------------------------------------------------------+
//| A new entry                                                      |
//+------------------------------------------------------------------+
void RubiEntryClear(SRubiEntry &entry,const long order_id)
  {
   entry.order_id=order_id;
   entry.phase=RUBI_PHASE_INTENT;
   entry.lease_id="";
   entry.code="";
   entry.kind="";
   entry.symbol="";
   entry.side="";
   entry.order_type="";
   entry.volume=0.0;
   entry.price=0.0;
   entry.sl=0.0;
   entry.tp=0.0;
   entry.magic=0;
   entry.comment="";
   entry.position_ticket=0;
   entry.order_ticket=0;
   entry.intent_at=0;
   entry.intent_server=0;
   entry.attempts=0;
   entry.n=0;
   RubiReportClear(entry.report,"");
   entry.report_at="";
   entry.unsettled=false;
   entry.ack_done=true;
   entry.acked_n=0;
   entry.forgotten=false;
   entry.doubtful=false;
   entry.duplicate=false;
   entry.looked=0;
  }
//+------------------------------------------------------------------+
//| Write what is to be done                                         |
//+------------------------------------------------------------------+
void RubiWriteIntent(CRubiJsonWriter &writer,const SRubiCommand &command,const long now,const long server)
  {
   writer.PutText("lease",command.lease_id);
   writer.PutText("kind",command.kind);
   writer.PutText("symbol",command.symbol);
   writer.PutText("side",command.side);
   writer.PutText("type",command.order_type);
   writer.PutNumber("volume",command.volume);
   writer.PutNumber("price",command.price);
   writer.PutNumber("sl",command.sl);
   writer.PutNumber("tp",command.tp);
   writer.PutTicket("magic",command.magic);
   writer.PutText("comment",command.comment);
   writer.PutTicket("position",command.position_ticket);
   writer.PutTicket("order",command.order_ticket);
   writer.PutLong("at",now);
   writer.PutLong("server",server);
  }
//+------------------------------------------------------------------+
//| Read it back                                                     |
//+------------------------------------------------------------------+
void RubiReadIntent(const CRubiJsonReader &reader,const int node,SRubiEntry &entry)
  {
   entry.phase=RUBI_PHASE_INTENT;
   entry.lease_id=reader.TextOf(node,"lease");
   entry.kind=reader.TextOf(node,"kind");
   entry.symbol=reader.TextOf(node,"symbol");
   entry.side=reader.TextOf(node,"side");
   entry.order_type=reader.TextOf(node,"type");
   entry.volume=reader.NumberOf(node,"volume");
   entry.price=reader.NumberOf(node,"price");
   entry.sl=reader.NumberOf(node,"sl");
   entry.tp=reader.NumberOf(node,"tp");
   entry.magic=reader.Ticket(reader.Find(node,"magic"));
   entry.comment=reader.TextOf(node,"comment");
   entry.position_ticket=reader.Ticket(reader.Find(node,"position"));
   entry.order_ticket=reader.Ticket(reader.Find(node,"order"));
   entry.intent_at=reader.LongOf(node,"at");
   entry.intent_server=reader.LongOf(node,"server");
   entry.ack_done=false;
  }
//+------------------------------------------------------------------+
//| Write a report, in the journal and on the wire alike             |
//+------------------------------------------------------------------+
void RubiWriteReport(CRubiJsonWriter &writer,const int n,const SRubiReport &report,const string at)
  {
   writer.PutLong("n",n);
   writer.PutText("outcome",report.outcome);
   writer.PutLong("retcode",(long)report.retcode);
   writer.PutTicketOrNull("order_ticket",report.order_ticket);
   writer.PutTicketOrNull("deal_ticket",report.deal_ticket);
   writer.PutTicketOrNull("position_id",(ulong)report.position_id);
   writer.PutPositive("price",report.price);
   writer.PutPositive("volume",report.volume);
   writer.PutText("message",report.message);
   writer.PutText("at",at);
  }
//+------------------------------------------------------------------+
//| Read it back                                                     |
//+------------------------------------------------------------------+
void RubiReadReport(const CRubiJsonReader &reader,const int node,SRubiEntry &entry)
  {
   entry.phase=RUBI_PHASE_RESULT;
   entry.n=(int)reader.LongOf(node,"n");
   entry.report.outcome=reader.TextOf(node,"outcome");
   entry.report.retcode=(uint)reader.LongOf(node,"retcode");
   entry.report.order_ticket=reader.Ticket(reader.Find(node,"order_ticket"));
   entry.report.deal_ticket=reader.Ticket(reader.Find(node,"deal_ticket"));
   entry.report.position_id=reader.LongOf(node,"position_id");
   entry.report.price=reader.NumberOf(node,"price");
   entry.report.volume=reader.NumberOf(node,"volume");
   entry.report.message=reader.TextOf(node,"message");
   entry.report_at=reader.TextOf(node,"at");
   entry.unsettled=reader.Flag(reader.Find(node,"unsettled"));
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiJournalStore.                                         |
//| Purpose: the journal's file and its entries in memory. What is   |
//|          in memory is what the file says, by one reading.        |
//+------------------------------------------------------------------+
class CRubiJournalStore
  {
protected:
   CRubiLines        m_file;
   SRubiEntry        m_entries[];
   int               m_count;
   bool              m_trusted;
   long              m_doubt_at;       // when lines were found damaged, unix seconds, 0 for never
   string            m_session;        // the session that was had last, empty for none

                     CRubiJournalStore(void);
   int               AddEntry(const long order_id);
   void              Begin(CRubiJsonWriter &writer,const string event,const long order_id) const;
   bool              Commit(CRubiJsonWriter &writer);
   bool              Apply(const string line);
   void              Doubt(string &lines[],const int unread,const long now);
   void              Compact(const string &lines[],const long now);

public:
   bool              Open(const string folder,const long now);
   void              Close(void);
   bool              Ready(void) const;
   bool              Trusted(const SRubiEntry &entry) const;
   bool              Proves(const long now) const;
   string            LastSession(void) const;
   int               Count(void) const;
   int               Find(const long order_id) const;
   bool              Get(const int index,SRubiEntry &entry) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiJournalStore::CRubiJournalStore(void)
  {
   m_count=0;
   m_trusted=false;
   m_doubt_at=0;
   m_session="";
  }
//+------------------------------------------------------------------+
//| Open the journal of an account and read all of it                |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Open(const string folder,const long now)
  {
   string lines[];
   m_count=0;
   m_doubt_at=0;
   m_session="";
   m_trusted=true;
   ArrayResize(m_entries,0,1024);
   if(!m_file.Open(folder+"/journal.log",lines))
      return(false);
   int total=ArraySize(lines);
   int unread=0;
   for(int i=0; i<total; i++)
     {
      if(!Apply(lines[i]))
         unread++;
     }
   if(m_file.Damaged()>0 || unread>0)
      Doubt(lines,unread,now);
   if(m_file.Size()>RUBI_COMPACT_BYTES)
      Compact(lines,now);
   return(m_file.IsOpen());
  }
//+------------------------------------------------------------------+
//| A missing line could be the one that says "sending": the orders up|
//| to here are in doubt for good, those that come later are not     |
//+------------------------------------------------------------------+
void CRubiJournalStore::Doubt(string &lines[],const int unread,const long now)
  {
   CRubiJsonWriter writer;
   int             count=ArraySize(lines);
   ExtLog.Info(StringFormat("journal: %d lines were not whole, %d not understood; open orders are checked at the broker",
                            m_file.Damaged(),unread));
   writer.OpenObject("");
   writer.PutText("event","DOUBT");
   writer.PutLong("at",now);
   writer.CloseObject();
   ArrayResize(lines,count+1);
   lines[count]=writer.Text();
   Apply(lines[count]);
   m_trusted=m_file.Replace(lines);
  }
//+------------------------------------------------------------------+
//| Close the file                                                   |
//+------------------------------------------------------------------+
void CRubiJournalStore::Close(void)
  {
   m_file.Close();
  }
//+------------------------------------------------------------------+
//| Can it be written to                                             |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Ready(void) const
  {
   return(m_file.IsOpen());
  }
//+------------------------------------------------------------------+
//| Is all there that was written of an order, so that a missing line|
//| proves something                                                 |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Trusted(const SRubiEntry &entry) const
  {
   return(m_trusted && !entry.doubtful);
  }
//+------------------------------------------------------------------+
//| Does it prove anything that an order is not in the journal. A day|
//| after a loss the deals of the lost orders have been told.        |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Proves(const long now) const
  {
   return(m_trusted && (m_doubt_at==0 || now-m_doubt_at>RUBI_DAY_SECONDS));
  }
//+------------------------------------------------------------------+
//| The session that was had last, empty when none is on disk        |
//+------------------------------------------------------------------+
string CRubiJournalStore::LastSession(void) const
  {
   return(m_session);
  }
//+------------------------------------------------------------------+
//| Orders known                                                     |
//+------------------------------------------------------------------+
int CRubiJournalStore::Count(void) const
  {
   return(m_count);
  }
//+------------------------------------------------------------------+
//| Index of an order, -1 when it never came here                    |
//+------------------------------------------------------------------+
int CRubiJournalStore::Find(const long order_id) const
  {
   for(int i=m_count-1; i>=0; i--)
     {
      if(m_entries[i].order_id==order_id)
         return(i);
     }
   return(-1);
  }
//+------------------------------------------------------------------+
//| A copy of an entry                                               |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Get(const int index,SRubiEntry &entry) const
  {
   if(index<0 || index>=m_count)
      return(false);
   entry=m_entries[index];
   return(true);
  }
//+------------------------------------------------------------------+
//| A place for an order                                             |
//+------------------------------------------------------------------+
int CRubiJournalStore::AddEntry(const long order_id)
  {
   int index=Find(order_id);
   if(index>=0)
      return(index);
   index=m_count;
   ArrayResize(m_entries,m_count+1,1024);
   m_count++;
   RubiEntryClear(m_entries[index],order_id);
   return(index);
  }
//+------------------------------------------------------------------+
//| Begin a record                                                   |
//+------------------------------------------------------------------+
void CRubiJournalStore::Begin(CRubiJsonWriter &writer,const string event,const long order_id) const
  {
   writer.Reset();
   writer.OpenObject("");
   writer.PutText("event",event);
   writer.PutLong("id",order_id);
  }
//+------------------------------------------------------------------+
//| Flush a record, then let it count; the memory is what the file   |
//| says, by the same reading                                        |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Commit(CRubiJsonWriter &writer)
  {
   writer.CloseObject();
   string line=writer.Text();
   bool   durable=m_file.Append(line);
   if(!durable)
      m_trusted=false;
   if(!Apply(line))
      return(false);
   return(durable);
  }
//+------------------------------------------------------------------+
//| Let one record count                                             |
//+------------------------------------------------------------------+
bool CRubiJournalStore::Apply(const string line)
  {
   CRubiJsonReader reader;
   if(!reader.Parse(line))
      return(false);
   int    root=reader.Root();
   string event=reader.TextOf(root,"event");
   long   order_id=reader.LongOf(root,"id");
   if(event=="DOUBT")
     {
      m_doubt_at=reader.LongOf(root,"at");
      for(int k=0; k<m_count; k++)
         m_entries[k].doubtful=true;
      return(true);
     }
   if(event=="SESSION")
     {
      m_session=reader.TextOf(root,"session_id");
      return(true);
     }
   if(order_id<=0)
      return(false);
   int i=AddEntry(order_id);
   if(event=="INTENT")
      RubiReadIntent(reader,root,m_entries[i]);
   else
      if(event=="SENDING")
        {
         m_entries[i].phase=RUBI_PHASE_SENDING;
         m_entries[i].attempts=(int)reader.LongOf(root,"attempt");
        }
      else
         if(event=="RESULT")
           {
            RubiReadReport(reader,root,m_entries[i]);
            m_entries[i].forgotten=false;
           }
         else
            if(event=="REFUSED")
              {
               m_entries[i].phase=RUBI_PHASE_REFUSED;
               m_entries[i].lease_id=reader.TextOf(root,"lease");
               m_entries[i].code=reader.TextOf(root,"code");
               m_entries[i].intent_at=reader.LongOf(root,"at");
               m_entries[i].ack_done=false;
              }
            else
               if(event=="ACKED")
                 {
                  string what=reader.TextOf(root,"what");
                  if(StringFind(what,"n")==0)
                    {
                     int n=(int)StringToInteger(StringSubstr(what,1));
                     if(n>m_entries[i].acked_n)
                        m_entries[i].acked_n=n;
                    }
                  else
                     m_entries[i].ack_done=true;
                 }
               else
                  if(event=="FORGET")
                     m_entries[i].forgotten=true;
                  else
                     return(false);
   return(true);
  }
//+------------------------------------------------------------------+
//| Keep the lines of young and of unfinished orders, and the last   |
//| session                                                          |
//+------------------------------------------------------------------+
void CRubiJournalStore::Compact(const string &lines[],const long now)
  {
   CRubiJsonReader reader;
   string          kept[];
   int             count=0;
   int             total=ArraySize(lines);
   for(int i=0; i<total; i++)
     {
      if(!reader.Parse(lines[i]))
         continue;
      int index=Find(reader.LongOf(reader.Root(),"id"));
      if(index<0)
        {
         string event=reader.TextOf(reader.Root(),"event");
         bool doubt=(event=="DOUBT" && reader.LongOf(reader.Root(),"at")>=now-RUBI_KEEP_SECONDS);
         bool last=(event=="SESSION" && reader.TextOf(reader.Root(),"session_id")==m_session);
         if(!doubt && !last)
            continue;
         ArrayResize(kept,count+1,1024);
         kept[count]=lines[i];
         count++;
         continue;
        }
      bool told=(m_entries[index].forgotten || (m_entries[index].ack_done && m_entries[index].acked_n>=m_entries[index].n));
      bool ended=(m_entries[index].phase==RUBI_PHASE_RESULT || m_entries[index].phase==RUBI_PHASE_REFUSED);
      if(told && ended && m_entries[index].intent_at<now-RUBI_KEEP_SECONDS)
         continue;
      ArrayResize(kept,count+1,1024);
      kept[count]=lines[i];
      count++;
     }
   if(count<total && m_file.Replace(kept))
      ExtLog.Info(StringFormat("journal: %d of %d lines kept, the others are older than 30 days",count,total));
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiJournal.                                              |
//| Purpose: the memory of every order that came to this terminal.   |
//|          Written before OrderSend and read at start: an order in |
//|          it is never sent again. It is also the outbox of acks   |
//|          and reports: they are what the service has not          |
//|          acknowledged, so a result and its report are one write. |
//+------------------------------------------------------------------+
class CRubiJournal : public CRubiJournalStore
  {
public:
   bool              Session(const string session_id);
   bool              Intent(const SRubiCommand &command,const long now,const long server);
   bool              Sending(const long order_id,const int attempt);
   bool              Result(const long order_id,const SRubiReport &report,const bool unsettled,const string at);
   bool              Refused(const long order_id,const string lease_id,const string code,const long now);
   bool              Acked(const long order_id,const string what);
   bool              Forget(const long order_id);
   void              Repeat(const long order_id,const string lease_id,const bool duplicate);
   void              Looked(const int index,const ulong tick);
   bool              Claimed(const ulong order_ticket,const ulong deal_ticket,const long except) const;
   int               WriteOpen(CRubiJsonWriter &writer) const;
   int               WriteAcks(CRubiJsonWriter &writer) const;
   int               WriteReports(CRubiJsonWriter &writer) const;
   int               Unacknowledged(void) const;
  };
//+------------------------------------------------------------------+
//| The session that orders come by from here on: it tells this      |
//| journal from a copy of it. True when it is on disk.              |
//+------------------------------------------------------------------+
bool CRubiJournal::Session(const string session_id)
  {
   CRubiJsonWriter writer;
   if(session_id==m_session)
      return(true);
   writer.OpenObject("");
   writer.PutText("event","SESSION");
   writer.PutText("session_id",session_id);
   writer.CloseObject();
   return(m_file.Append(writer.Text()) && Apply(writer.Text()));
  }
//+------------------------------------------------------------------+
//| "I am about to send this"; true when it is on disk               |
//+------------------------------------------------------------------+
bool CRubiJournal::Intent(const SRubiCommand &command,const long now,const long server)
  {
   CRubiJsonWriter writer;
   Begin(writer,"INTENT",command.order_id);
   RubiWriteIntent(writer,command,now,server);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| "OrderSend is the next call"; true when it is on disk            |
//+------------------------------------------------------------------+
bool CRubiJournal::Sending(const long order_id,const int attempt)
  {
   CRubiJsonWriter writer;
   Begin(writer,"SENDING",order_id);
   writer.PutLong("attempt",attempt);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| What came of it, as the next report of the order                 |
//+------------------------------------------------------------------+
bool CRubiJournal::Result(const long order_id,const SRubiReport &report,const bool unsettled,const string at)
  {
   CRubiJsonWriter writer;
   int             index=Find(order_id);
   int             n=1;
   if(index>=0)
      n=m_entries[index].n+1;
   Begin(writer,"RESULT",order_id);
   RubiWriteReport(writer,n,report,at);
   writer.PutFlag("unsettled",unsettled);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| "This will not be sent", for good                                |
//+------------------------------------------------------------------+
bool CRubiJournal::Refused(const long order_id,const string lease_id,const string code,const long now)
  {
   CRubiJsonWriter writer;
   Begin(writer,"REFUSED",order_id);
   writer.PutText("lease",lease_id);
   writer.PutText("code",code);
   writer.PutLong("at",now);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| The service has an ack ("INTENT", "REFUSED") or a report ("n2")  |
//+------------------------------------------------------------------+
bool CRubiJournal::Acked(const long order_id,const string what)
  {
   int index=Find(order_id);
   if(index<0)
      return(false);
   if(what=="DUPLICATE")
     {
      m_entries[index].duplicate=false;
      m_entries[index].ack_done=true;
      return(true);
     }
   CRubiJsonWriter writer;
   Begin(writer,"ACKED",order_id);
   writer.PutText("what",what);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| The order is final at the service: keep it, report nothing more  |
//+------------------------------------------------------------------+
bool CRubiJournal::Forget(const long order_id)
  {
   CRubiJsonWriter writer;
   Begin(writer,"FORGET",order_id);
   return(Commit(writer));
  }
//+------------------------------------------------------------------+
//| Report again what is known; as a duplicate when it came again    |
//+------------------------------------------------------------------+
void CRubiJournal::Repeat(const long order_id,const string lease_id,const bool duplicate)
  {
   int index=Find(order_id);
   if(index<0)
      return;
   m_entries[index].forgotten=false;
   if(m_entries[index].n>0)
      m_entries[index].acked_n=m_entries[index].n-1;
   if(m_entries[index].phase==RUBI_PHASE_REFUSED)
      m_entries[index].ack_done=false;
   else
      m_entries[index].duplicate=duplicate;
   if(lease_id!="")
      m_entries[index].lease_id=lease_id;
  }
//+------------------------------------------------------------------+
//| When an order was last looked for at the broker                  |
//+------------------------------------------------------------------+
void CRubiJournal::Looked(const int index,const ulong tick)
  {
   if(index>=0 && index<m_count)
      m_entries[index].looked=tick;
  }
//+------------------------------------------------------------------+
//| Does another order of ours own this ticket                       |
//+------------------------------------------------------------------+
bool CRubiJournal::Claimed(const ulong order_ticket,const ulong deal_ticket,const long except) const
  {
   for(int i=m_count-1; i>=0; i--)
     {
      if(m_entries[i].order_id==except)
         continue;
      if(order_ticket>0 && m_entries[i].report.order_ticket==order_ticket)
         return(true);
      if(deal_ticket>0 && m_entries[i].report.deal_ticket==deal_ticket)
         return(true);
     }
   return(false);
  }
//+------------------------------------------------------------------+
//| The orders whose end the service may not know, for connect       |
//+------------------------------------------------------------------+
int CRubiJournal::WriteOpen(CRubiJsonWriter &writer) const
  {
   int written=0;
   writer.OpenList("open");
   for(int i=0; i<m_count; i++)
     {
      if(m_entries[i].forgotten)
         continue;
      bool   told=(m_entries[i].ack_done && m_entries[i].acked_n>=m_entries[i].n);
      string phase="RESULT";
      if(m_entries[i].phase==RUBI_PHASE_INTENT || m_entries[i].phase==RUBI_PHASE_SENDING)
         phase="INTENT";
      else
         if(m_entries[i].phase==RUBI_PHASE_REFUSED)
            phase="REFUSED";
      if(phase!="INTENT" && told)
         continue;
      writer.OpenObject("");
      writer.PutLong("order_id",m_entries[i].order_id);
      writer.PutText("phase",phase);
      writer.PutText("intent_at",RubiIso(m_entries[i].intent_at*1000));
      writer.CloseObject();
      written++;
     }
   writer.CloseList();
   return(written);
  }
//+------------------------------------------------------------------+
//| The acks that the service has not acknowledged                   |
//+------------------------------------------------------------------+
int CRubiJournal::WriteAcks(CRubiJsonWriter &writer) const
  {
   int written=0;
   for(int i=0; i<m_count && written<100; i++)
     {
      if(m_entries[i].forgotten)
         continue;
      string outcome="";
      if(m_entries[i].duplicate)
         outcome="DUPLICATE";
      else
         if(!m_entries[i].ack_done)
           {
            outcome="INTENT";
            if(m_entries[i].phase==RUBI_PHASE_REFUSED)
               outcome="REFUSED";
           }
      if(outcome=="")
         continue;
      if(written==0)
         writer.OpenList("acks");
      writer.OpenObject("");
      writer.PutLong("order_id",m_entries[i].order_id);
      writer.PutTextOrNull("lease_id",m_entries[i].lease_id);
      writer.PutText("outcome",outcome);
      writer.PutTextOrNull("code",m_entries[i].code);
      writer.CloseObject();
      written++;
     }
   if(written>0)
      writer.CloseList();
   return(written);
  }
//+------------------------------------------------------------------+
//| The newest reports that the service has not acknowledged         |
//+------------------------------------------------------------------+
int CRubiJournal::WriteReports(CRubiJsonWriter &writer) const
  {
   int written=0;
   for(int i=0; i<m_count && written<100; i++)
     {
      if(m_entries[i].forgotten || m_entries[i].n<=m_entries[i].acked_n)
         continue;
      if(written==0)
         writer.OpenList("reports");
      writer.OpenObject("");
      writer.PutLong("order_id",m_entries[i].order_id);
      RubiWriteReport(writer,m_entries[i].n,m_entries[i].report,m_entries[i].report_at);
      writer.CloseObject();
      written++;
     }
   if(written>0)
      writer.CloseList();
   return(written);
  }
//+------------------------------------------------------------------+
//| Orders of which the service has not acknowledged something       |
//+------------------------------------------------------------------+
int CRubiJournal::Unacknowledged(void) const
  {
   int total=0;
   for(int i=0; i<m_count; i++)
     {
      if(m_entries[i].forgotten)
         continue;
      if(!m_entries[i].ack_done || m_entries[i].duplicate || m_entries[i].n>m_entries[i].acked_n)
         total++;
     }
   return(total);
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                       Market.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiMarket.                                               |
//| Purpose: ticks (CopyTicks from the last one, so that a slow call |
//|          loses none), and what the signals that leave would      |
//|          cost. Bounded, and never in the way of an order.        |
//+------------------------------------------------------------------+
class CRubiMarket
  {
private:
   bool              m_ticks;
   string            m_names[];
   long              m_last_tick[];
   long              m_new_tick[];
   int               m_count;
   int               m_turn;
   long              m_newest;
   int               m_written;

   int               Index(const string name);
   void              Tick(CRubiJsonWriter &writer,const string name,const MqlTick &tick);
   void              TicksOf(CRubiJsonWriter &writer,const int index);
   void              Forget(void);

public:
                     CRubiMarket(void);
   void              Configure(const CRubiSettings &settings);
   long              Newest(const CRubiSymbols &symbols);
   void              WriteTicks(CRubiJsonWriter &writer,const CRubiSymbols &symbols);
   void              WriteQuotes(CRubiJsonWriter &writer,const CRubiOutbox &outbox,const int signals) const;
   void              Acknowledged(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiMarket::CRubiMarket(void)
  {
   m_ticks=false;
   m_count=0;
   m_turn=0;
   m_newest=0;
   m_written=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiMarket::Configure(const CRubiSettings &settings)
  {
   m_ticks=settings.m_ticks;
   m_count=0;
   m_turn=0;
   m_newest=0;
  }
//+------------------------------------------------------------------+
//| The place of a symbol                                            |
//+------------------------------------------------------------------+
int CRubiMarket::Index(const string name)
  {
   for(int i=0; i<m_count; i++)
     {
      if(m_names[i]==name)
         return(i);
     }
   int index=m_count;
   m_count++;
   ArrayResize(m_names,m_count,64);
   ArrayResize(m_last_tick,m_count,64);
   ArrayResize(m_new_tick,m_count,64);
   m_names[index]=name;
   m_last_tick[index]=0;
   m_new_tick[index]=0;
   return(index);
  }
//+------------------------------------------------------------------+
//| The newest tick of all watched symbols, broker wall clock, ms    |
//+------------------------------------------------------------------+
long CRubiMarket::Newest(const CRubiSymbols &symbols)
  {
   MqlTick tick;
   int     total=symbols.Count();
   for(int i=0; i<total; i++)
     {
      if(SymbolInfoTick(symbols.Name(i),tick) && tick.time_msc>m_newest)
         m_newest=tick.time_msc;
     }
   return(m_newest);
  }
//+------------------------------------------------------------------+
//| One tick                                                         |
//+------------------------------------------------------------------+
void CRubiMarket::Tick(CRubiJsonWriter &writer,const string name,const MqlTick &tick)
  {
   if(m_written==0)
      writer.OpenList("ticks");
   writer.OpenObject("");
   writer.PutText("symbol",name);
   writer.PutNumber("bid",tick.bid);
   writer.PutNumber("ask",tick.ask);
   writer.PutNumber("last",tick.last);
   writer.PutLong("volume",(long)tick.volume);
   writer.PutLong("time_msc",tick.time_msc);
   writer.CloseObject();
   m_written++;
  }
//+------------------------------------------------------------------+
//| New ticks of a symbol; of too many the newest                    |
//+------------------------------------------------------------------+
void CRubiMarket::TicksOf(CRubiJsonWriter &writer,const int index)
  {
   MqlTick last;
   MqlTick ticks[];
   string  name=m_names[index];
   m_new_tick[index]=m_last_tick[index];
   if(!SymbolInfoTick(name,last) || last.time_msc<=m_last_tick[index])
      return;
   int copied=0;
   if(m_last_tick[index]>0)
      copied=CopyTicks(name,ticks,COPY_TICKS_ALL,(ulong)(m_last_tick[index]+1),1000);
   if(copied<=0)
     {
      Tick(writer,name,last);
      m_new_tick[index]=last.time_msc;
      return;
     }
   int from=0;
   if(copied>RUBI_TICKS_PER_SYMBOL && copied<1000)
      from=copied-RUBI_TICKS_PER_SYMBOL;
   for(int i=from; i<copied && i<from+RUBI_TICKS_PER_SYMBOL; i++)
     {
      Tick(writer,name,ticks[i]);
      m_new_tick[index]=ticks[i].time_msc;
     }
   if(copied==1000)
     {
      //--- far behind: go on from now
      Tick(writer,name,last);
      m_new_tick[index]=last.time_msc;
     }
  }
//+------------------------------------------------------------------+
//| What was written before was not delivered                        |
//+------------------------------------------------------------------+
void CRubiMarket::Forget(void)
  {
   for(int i=0; i<m_count; i++)
      m_new_tick[i]=m_last_tick[i];
  }
//+------------------------------------------------------------------+
//| Ticks of the watched symbols, each cycle beginning elsewhere     |
//+------------------------------------------------------------------+
void CRubiMarket::WriteTicks(CRubiJsonWriter &writer,const CRubiSymbols &symbols)
  {
   int total=symbols.Count();
   m_written=0;
   Forget();
   if(!m_ticks || total==0)
      return;
   for(int i=0; i<total && m_written<RUBI_TICKS_PER_SYNC; i++)
     {
      m_turn=(m_turn+1)%total;
      int index=Index(symbols.Name(m_turn));
      TicksOf(writer,index);
     }
   if(m_written>0)
      writer.CloseList();
  }
//+------------------------------------------------------------------+
//| What one lot of each leaving signal would lose at its stop and   |
//| bind as margin, by the broker's own calculation                  |
//+------------------------------------------------------------------+
void CRubiMarket::WriteQuotes(CRubiJsonWriter &writer,const CRubiOutbox &outbox,const int signals) const
  {
   CRubiJsonReader reader;
   int             written=0;
   for(int i=0; i<signals; i++)
     {
      MqlTick tick;
      if(!reader.Parse(outbox.Body(i)))
         continue;
      int    root=reader.Root();
      string symbol=reader.TextOf(root,"symbol");
      string side=reader.TextOf(root,"signal_type");
      double stop=reader.NumberOf(root,"stop_loss");
      bool   buy=(side=="BUY");
      if((!buy && side!="SELL") || stop<=0.0 || !CRubiRules::ReadyNow(symbol) || !CRubiRules::Quote(symbol,tick))
         continue;
      double          entry=buy ? tick.ask : tick.bid;
      double          profit=0.0;
      double          margin=0.0;
      ENUM_ORDER_TYPE type=buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL;
      if(!OrderCalcProfit(type,symbol,1.0,entry,stop,profit) || !OrderCalcMargin(type,symbol,1.0,entry,margin) || profit>=0.0)
         continue;
      if(written==0)
         writer.OpenList("quotes");
      writer.OpenObject("");
      writer.PutText("symbol",symbol);
      writer.PutText("side",side);
      writer.PutNumber("entry",entry);
      writer.PutNumber("stop",stop);
      writer.PutNumber("loss_per_lot",-profit);
      writer.PutNumber("margin_per_lot",margin);
      writer.CloseObject();
      written++;
     }
   if(written>0)
      writer.CloseList();
  }
//+------------------------------------------------------------------+
//| The service has what was written last                            |
//+------------------------------------------------------------------+
void CRubiMarket::Acknowledged(void)
  {
   for(int i=0; i<m_count; i++)
      m_last_tick[i]=m_new_tick[i];
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                       Orders.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                               BuilderChanges.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                      Builder.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiBuilder.                                              |
//| Purpose: a trade request out of a command, or the code of why    |
//|          not. What it resolves (grid, volume, kept stops) goes   |
//|          back into the command, so that the journal has it.      |
//+------------------------------------------------------------------+
class CRubiBuilder
  {
private:
   int               m_deviation;
   ulong             m_magic;

   void              Begin(const SRubiCommand &command,MqlTradeRequest &request) const;
   ulong             SelectPosition(const ulong ticket) const;
   string            Sized(SRubiCommand &command) const;
   bool              Against(const string symbol,const bool buy,double &volume) const;
   bool              FirstIn(const string symbol,const ulong ticket) const;
   string            Open(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            Pending(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            ModifyPosition(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            ModifyPending(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            Close(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            Priced(const SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   string            Cancel(SRubiCommand &command,MqlTradeRequest &request) const;
   string            CloseBy(SRubiCommand &command,MqlTradeRequest &request) const;
   string            Expiry(SRubiCommand &command,MqlTradeRequest &request) const;

public:
                     CRubiBuilder(void);
   void              Configure(const CRubiSettings &settings);
   int               Oldest(const string symbol,const string side,ulong &tickets[]) const;
   string            Build(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiBuilder::CRubiBuilder(void)
  {
   m_deviation=0;
   m_magic=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiBuilder::Configure(const CRubiSettings &settings)
  {
   m_deviation=settings.m_deviation;
   m_magic=settings.m_magic;
  }
//+------------------------------------------------------------------+
//| What every request has                                           |
//+------------------------------------------------------------------+
void CRubiBuilder::Begin(const SRubiCommand &command,MqlTradeRequest &request) const
  {
   ZeroMemory(request);
   request.symbol=command.symbol;
   request.magic=command.magic;
   request.comment=command.comment;
   request.deviation=(ulong)(command.deviation>=0 ? command.deviation : m_deviation);
  }
//+------------------------------------------------------------------+
//| Select a position by ticket or by identifier; its ticket or 0    |
//+------------------------------------------------------------------+
ulong CRubiBuilder::SelectPosition(const ulong ticket) const
  {
   if(ticket==0)
      return(0);
   if(PositionSelectByTicket(ticket))
      return(ticket);
//--- the ticket may change (swap by reopening), the identifier does not
   int total=PositionsTotal();
   for(int i=0; i<total; i++)
     {
      ulong other=PositionGetTicket(i);
      if(other>0 && PositionGetInteger(POSITION_IDENTIFIER)==(long)ticket)
         return(other);
     }
   return(0);
  }
//+------------------------------------------------------------------+
//| Volume on its grid, inside the symbol's bounds; a code or empty  |
//+------------------------------------------------------------------+
string CRubiBuilder::Sized(SRubiCommand &command) const
  {
   command.volume=CRubiRules::Volume(command.symbol,command.volume);
   if(command.volume<=0.0)
      return("VOLUME_BELOW_MINIMUM");
   if(command.volume>SymbolInfoDouble(command.symbol,SYMBOL_VOLUME_MAX)+0.00000001)
      return("VOLUME_ABOVE_MAXIMUM");
   return("");
  }
//+------------------------------------------------------------------+
//| Is there a position on the other side, and how large are they    |
//+------------------------------------------------------------------+
bool CRubiBuilder::Against(const string symbol,const bool buy,double &volume) const
  {
   int total=PositionsTotal();
   volume=0.0;
   for(int i=0; i<total; i++)
     {
      ulong ticket=PositionGetTicket(i);
      if(ticket==0 || PositionGetString(POSITION_SYMBOL)!=symbol)
         continue;
      bool long_side=((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_BUY);
      if(long_side!=buy)
         volume+=PositionGetDouble(POSITION_VOLUME);
     }
   return(volume>0.0);
  }
//+------------------------------------------------------------------+
//| Is no position of the symbol older                               |
//+------------------------------------------------------------------+
bool CRubiBuilder::FirstIn(const string symbol,const ulong ticket) const
  {
   int total=PositionsTotal();
   if(!PositionSelectByTicket(ticket))
      return(true);
   long opened=PositionGetInteger(POSITION_TIME_MSC);
   for(int i=0; i<total; i++)
     {
      ulong other=PositionGetTicket(i);
      if(other==0 || other==ticket || PositionGetString(POSITION_SYMBOL)!=symbol)
         continue;
      if(PositionGetInteger(POSITION_TIME_MSC)<opened)
         return(false);
     }
   return(true);
  }
//+------------------------------------------------------------------+
//| A request out of any command but CLOSE_ALL and QUERY             |
//+------------------------------------------------------------------+
string CRubiBuilder::Build(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   if(command.magic==0)
      command.magic=m_magic;
   if(command.kind=="OPEN")
      return(Open(command,guard,request));
   if(command.kind=="PLACE_PENDING")
      return(Pending(command,guard,request));
   if(command.kind=="MODIFY_POSITION")
      return(ModifyPosition(command,guard,request));
   if(command.kind=="MODIFY_PENDING")
      return(ModifyPending(command,guard,request));
   if(command.kind=="CANCEL_PENDING")
      return(Cancel(command,request));
   if(command.kind=="CLOSE_BY")
      return(CloseBy(command,request));
   if(command.kind=="CLOSE_POSITION" || command.kind=="CLOSE_PARTIAL")
      return(Close(command,guard,request));
   return("UNKNOWN_KIND");
  }
//+------------------------------------------------------------------+
//| A market order                                                   |
//+------------------------------------------------------------------+
string CRubiBuilder::Open(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   bool buy=(command.side=="BUY");
   if((!buy && command.side!="SELL") || (command.order_type!="MARKET" && command.order_type!=""))
      return("BAD_COMMAND");
   if(!CRubiRules::Ready(command.symbol))
      return("SYMBOL_NOT_READY");
   string code=Sized(command);
   if(code!="")
      return(code);
   double against=0.0;
   bool   other=Against(command.symbol,buy,against);
   bool   reduces=(other && !CRubiAccount::Hedging() && against>=command.volume-0.00000001);
   if(command.reduce_only && !reduces)
      return("REDUCE_ONLY");
   if(other && CRubiAccount::Hedging() && AccountInfoInteger(ACCOUNT_HEDGE_ALLOWED)==0)
      return("HEDGE_PROHIBITED");
   Begin(command,request);
   request.action=TRADE_ACTION_DEAL;
   request.type=buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL;
   request.volume=command.volume;
   command.sl=CRubiRules::Price(command.symbol,command.sl);
   command.tp=CRubiRules::Price(command.symbol,command.tp);
   request.sl=command.sl;
   request.tp=command.tp;
   code=Priced(command,guard,request);
   if(code!="")
      return(code);
   if(reduces)
      return("");
   code=CRubiRules::TradeModeFault(command.symbol,buy);
   if(code=="")
      code=guard.Risk(command.symbol,buy,command.volume,request.price,command.sl);
   if(code=="")
      code=guard.Margin(command.symbol,request.type,command.volume,request.price);
   return(code);
  }
//+------------------------------------------------------------------+
//| Today's price into a market order, and all that hangs on it      |
//+------------------------------------------------------------------+
string CRubiBuilder::Priced(const SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   MqlTick tick;
   bool    buy=(request.type==ORDER_TYPE_BUY);
   if(!CRubiRules::Quote(request.symbol,tick))
      return("NO_QUOTE");
   request.price=buy ? tick.ask : tick.bid;
   ENUM_ORDER_TYPE_FILLING modes[];
   CRubiRules::Fillings(request.symbol,command.filling,modes);
   request.type_filling=modes[0];
   string code=guard.Fresh(command,request.price);
   if(code!="" || request.position!=0)
      return(code);
   return(CRubiRules::StopsFault(request.symbol,buy,buy ? tick.bid : tick.ask,request.sl,request.tp));
  }
//+------------------------------------------------------------------+
//| How long a pending order lives                                   |
//+------------------------------------------------------------------+
string CRubiBuilder::Expiry(SRubiCommand &command,MqlTradeRequest &request) const
  {
   ENUM_ORDER_TYPE_TIME type_time=ORDER_TIME_GTC;
   if(!CRubiRules::TypeTime(command.symbol,command.type_time,type_time))
      return("EXPIRATION_NOT_ALLOWED");
   request.type_time=type_time;
   if(type_time==ORDER_TIME_SPECIFIED || type_time==ORDER_TIME_SPECIFIED_DAY)
     {
      if(command.expiration<=(long)TimeTradeServer())
         return("EXPIRATION_PASSED");
      request.expiration=(datetime)command.expiration;
     }
   return("");
  }
//+------------------------------------------------------------------+
//| A pending order; its rest is always kept (RETURN)                |
//+------------------------------------------------------------------+
string CRubiBuilder::Pending(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   ENUM_ORDER_TYPE type=ORDER_TYPE_BUY_LIMIT;
   if(!CRubiRules::PendingType(command.side,command.order_type,type) || command.price<=0.0)
      return("BAD_COMMAND");
   if(!CRubiRules::Ready(command.symbol))
      return("SYMBOL_NOT_READY");
   string code=Sized(command);
   if(code!="")
      return(code);
   bool buy=CRubiRules::BuySide(type);
   command.price=CRubiRules::Price(command.symbol,command.price);
   command.stop_limit=CRubiRules::Price(command.symbol,command.stop_limit);
   command.sl=CRubiRules::Price(command.symbol,command.sl);
   command.tp=CRubiRules::Price(command.symbol,command.tp);
   Begin(command,request);
   request.action=TRADE_ACTION_PENDING;
   request.type=type;
   request.type_filling=ORDER_FILLING_RETURN;
   request.volume=command.volume;
   request.price=command.price;
   request.stoplimit=command.stop_limit;
   request.sl=command.sl;
   request.tp=command.tp;
   double entry=command.price;
   if(type==ORDER_TYPE_BUY_STOP_LIMIT || type==ORDER_TYPE_SELL_STOP_LIMIT)
      entry=command.stop_limit;
   code=CRubiRules::TradeModeFault(command.symbol,buy);
   if(code=="")
      code=guard.Fresh(command,entry);
   if(code=="")
      code=CRubiRules::PendingFault(command.symbol,type,command.price,command.stop_limit);
   if(code=="")
      code=CRubiRules::StopsFault(command.symbol,buy,entry,command.sl,command.tp);
   if(code=="")
      code=Expiry(command,request);
   if(code=="")
      code=guard.Risk(command.symbol,buy,command.volume,entry,command.sl);
   if(code=="")
      code=guard.Margin(command.symbol,buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL,command.volume,entry);
   return(code);
  }
//+------------------------------------------------------------------+
//| New stops of a position; one that is not given stays             |
//+------------------------------------------------------------------+
string CRubiBuilder::ModifyPosition(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   ulong ticket=SelectPosition(command.position_ticket);
   if(ticket==0)
      return("POSITION_NOT_FOUND");
   command.symbol=PositionGetString(POSITION_SYMBOL);
   if(!CRubiRules::Ready(command.symbol) || !PositionSelectByTicket(ticket))
      return("SYMBOL_NOT_READY");
   bool   buy=((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_BUY);
   double volume=PositionGetDouble(POSITION_VOLUME);
   double old_sl=PositionGetDouble(POSITION_SL);
   double old_tp=PositionGetDouble(POSITION_TP);
   double opened=PositionGetDouble(POSITION_PRICE_OPEN);
   if(command.expect_volume>0.0 && MathAbs(command.expect_volume-volume)>0.00000001)
      return("POSITION_CHANGED");
   command.sl=command.has_sl ? CRubiRules::Price(command.symbol,command.sl) : old_sl;
   command.tp=command.has_tp ? CRubiRules::Price(command.symbol,command.tp) : old_tp;
   MqlTick tick;
   if(!CRubiRules::Quote(command.symbol,tick))
      return("NO_QUOTE");
   double market=buy ? tick.bid : tick.ask;
   if(CRubiRules::Frozen(command.symbol,old_sl,market) || CRubiRules::Frozen(command.symbol,old_tp,market))
      return("FREEZE_LEVEL");
   Begin(command,request);
   request.action=TRADE_ACTION_SLTP;
   request.position=ticket;
   request.sl=command.sl;
   request.tp=command.tp;
   string code=CRubiRules::StopsFault(command.symbol,buy,market,command.sl,command.tp);
   if(code=="" && command.has_sl)
      code=guard.Risk(command.symbol,buy,volume,opened,command.sl);
   return(code);
  }
//+------------------------------------------------------------------+
//| Positions of a symbol (empty for all), oldest first, as FIFO     |
//| accounts demand                                                  |
//+------------------------------------------------------------------+
int CRubiBuilder::Oldest(const string symbol,const string side,ulong &tickets[]) const
  {
   long opened[];
   int  count=0;
   int  total=PositionsTotal();
   ArrayResize(tickets,total);
   ArrayResize(opened,total);
   for(int i=0; i<total; i++)
     {
      ulong ticket=PositionGetTicket(i);
      if(ticket==0 || !CRubiRules::Meant(symbol,side))
         continue;
      long time=PositionGetInteger(POSITION_TIME_MSC);
      int  at=count;
      while(at>0 && opened[at-1]>time)
        {
         opened[at]=opened[at-1];
         tickets[at]=tickets[at-1];
         at--;
        }
      opened[at]=time;
      tickets[at]=ticket;
      count++;
     }
   return(count);
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| New price, stops or life of a pending order; what is not given   |
//| stays                                                            |
//+------------------------------------------------------------------+
string CRubiBuilder::ModifyPending(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   if(command.order_ticket==0 || !OrderSelect(command.order_ticket))
      return("ORDER_NOT_FOUND");
   ENUM_ORDER_TYPE      type=(ENUM_ORDER_TYPE)OrderGetInteger(ORDER_TYPE);
   ENUM_ORDER_TYPE_TIME type_time=(ENUM_ORDER_TYPE_TIME)OrderGetInteger(ORDER_TYPE_TIME);
   long                 expiration=OrderGetInteger(ORDER_TIME_EXPIRATION);
   double               old_price=OrderGetDouble(ORDER_PRICE_OPEN);
   double               old_limit=OrderGetDouble(ORDER_PRICE_STOPLIMIT);
   double               old_sl=OrderGetDouble(ORDER_SL);
   double               old_tp=OrderGetDouble(ORDER_TP);
   double               volume=OrderGetDouble(ORDER_VOLUME_CURRENT);
   bool                 buy=CRubiRules::BuySide(type);
   MqlTick              tick;
   command.symbol=OrderGetString(ORDER_SYMBOL);
   if(type==ORDER_TYPE_BUY || type==ORDER_TYPE_SELL)
      return("ORDER_NOT_PENDING");
   if(!CRubiRules::Ready(command.symbol))
      return("SYMBOL_NOT_READY");
   if(!CRubiRules::Quote(command.symbol,tick))
      return("NO_QUOTE");
   if(CRubiRules::Frozen(command.symbol,old_price,buy ? tick.ask : tick.bid))
      return("FREEZE_LEVEL");
   command.price=(command.price>0.0) ? CRubiRules::Price(command.symbol,command.price) : old_price;
   command.stop_limit=(command.stop_limit>0.0) ? CRubiRules::Price(command.symbol,command.stop_limit) : old_limit;
   command.sl=command.has_sl ? CRubiRules::Price(command.symbol,command.sl) : old_sl;
   command.tp=command.has_tp ? CRubiRules::Price(command.symbol,command.tp) : old_tp;
   command.volume=volume;
   Begin(command,request);
   request.action=TRADE_ACTION_MODIFY;
   request.order=command.order_ticket;
   request.price=command.price;
   request.stoplimit=command.stop_limit;
   request.sl=command.sl;
   request.tp=command.tp;
   request.type_time=type_time;
   request.expiration=(datetime)expiration;
   double entry=command.price;
   if(type==ORDER_TYPE_BUY_STOP_LIMIT || type==ORDER_TYPE_SELL_STOP_LIMIT)
      entry=command.stop_limit;
   string code=CRubiRules::PendingFault(command.symbol,type,command.price,command.stop_limit);
   if(code=="")
      code=CRubiRules::StopsFault(command.symbol,buy,entry,command.sl,command.tp);
   if(code=="" && command.type_time!="" && command.expiration>0)
      code=Expiry(command,request);
   if(code=="")
      code=guard.Risk(command.symbol,buy,volume,entry,command.sl);
   return(code);
  }
//+------------------------------------------------------------------+
//| Take a pending order out of the book                             |
//+------------------------------------------------------------------+
string CRubiBuilder::Cancel(SRubiCommand &command,MqlTradeRequest &request) const
  {
   if(command.order_ticket==0 || !OrderSelect(command.order_ticket))
      return("ORDER_NOT_FOUND");
   command.symbol=OrderGetString(ORDER_SYMBOL);
   Begin(command,request);
   request.action=TRADE_ACTION_REMOVE;
   request.order=command.order_ticket;
   return("");
  }
//+------------------------------------------------------------------+
//| A whole position or a part of it, by its ticket. On a netting    |
//| account this is an opposite deal, so never more than there is    |
//+------------------------------------------------------------------+
string CRubiBuilder::Close(SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
   ulong ticket=SelectPosition(command.position_ticket);
   if(ticket==0)
      return("POSITION_NOT_FOUND");
   string symbol=PositionGetString(POSITION_SYMBOL);
   if(command.symbol!="" && command.symbol!=symbol)
      return("POSITION_OF_OTHER_SYMBOL");
   command.symbol=symbol;
   if(!CRubiRules::Ready(symbol) || !PositionSelectByTicket(ticket))
      return("SYMBOL_NOT_READY");
   double there=PositionGetDouble(POSITION_VOLUME);
   double most=SymbolInfoDouble(symbol,SYMBOL_VOLUME_MAX);
   bool   buy=((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_BUY);
   if(command.expect_volume>0.0 && MathAbs(command.expect_volume-there)>0.00000001)
      return("POSITION_CHANGED");
   double volume=there;
   if(command.kind=="CLOSE_PARTIAL")
     {
      volume=CRubiRules::Volume(symbol,command.volume);
      if(volume<=0.0)
         return("VOLUME_BELOW_MINIMUM");
      if(volume>there+0.00000001)
         return("VOLUME_ABOVE_POSITION");
      double rest=there-volume;
      if(rest>0.00000001 && rest<SymbolInfoDouble(symbol,SYMBOL_VOLUME_MIN)-0.00000001)
         return("REST_BELOW_MINIMUM");
     }
//--- a larger position closes by parts; the service sees what is left
   if(most>0.0 && volume>most)
      volume=most;
   if(AccountInfoInteger(ACCOUNT_FIFO_CLOSE)!=0 && !FirstIn(symbol,ticket))
      return("FIFO_CLOSE");
   if(!PositionSelectByTicket(ticket))
      return("POSITION_NOT_FOUND");
//--- the identifier outlives the ticket
   command.position_ticket=(ulong)PositionGetInteger(POSITION_IDENTIFIER);
   command.volume=volume;
   Begin(command,request);
   request.action=TRADE_ACTION_DEAL;
   request.position=ticket;
   request.type=buy ? ORDER_TYPE_SELL : ORDER_TYPE_BUY;
   request.volume=volume;
   return(Priced(command,guard,request));
  }
//+------------------------------------------------------------------+
//| A position by an opposite one, named by order_ticket             |
//+------------------------------------------------------------------+
string CRubiBuilder::CloseBy(SRubiCommand &command,MqlTradeRequest &request) const
  {
   if(!CRubiAccount::Hedging())
      return("CLOSE_BY_NEEDS_HEDGING");
   ulong other=SelectPosition(command.order_ticket);
   if(other==0)
      return("OPPOSITE_NOT_FOUND");
   string other_symbol=PositionGetString(POSITION_SYMBOL);
   long   other_type=PositionGetInteger(POSITION_TYPE);
   ulong  ticket=SelectPosition(command.position_ticket);
   if(ticket==0)
      return("POSITION_NOT_FOUND");
   string symbol=PositionGetString(POSITION_SYMBOL);
   if(symbol!=other_symbol || PositionGetInteger(POSITION_TYPE)==other_type)
      return("OPPOSITE_NOT_FOUND");
   if((SymbolInfoInteger(symbol,SYMBOL_ORDER_MODE)&SYMBOL_ORDER_CLOSEBY)==0)
      return("CLOSE_BY_NOT_ALLOWED");
   command.symbol=symbol;
   command.position_ticket=(ulong)PositionGetInteger(POSITION_IDENTIFIER);
   Begin(command,request);
   request.action=TRADE_ACTION_CLOSE_BY;
   request.position=ticket;
   request.position_by=other;
   return("");
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                     Retcodes.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| What a retcode asks for                                          |
//+------------------------------------------------------------------+
ENUM_RUBI_VERDICT RubiVerdict(const uint retcode)
  {
   switch(retcode)
     {
      case TRADE_RETCODE_PLACED:
      case TRADE_RETCODE_DONE:
      case TRADE_RETCODE_DONE_PARTIAL:
      case TRADE_RETCODE_NO_CHANGES:
      case TRADE_RETCODE_POSITION_CLOSED:
         return(RUBI_VERDICT_DONE);
      case TRADE_RETCODE_REQUOTE:
      case TRADE_RETCODE_PRICE_CHANGED:
      case TRADE_RETCODE_PRICE_OFF:
         return(RUBI_VERDICT_REPRICE);
      case TRADE_RETCODE_ORDER_CHANGED:
      case TRADE_RETCODE_TOO_MANY_REQUESTS:
      case TRADE_RETCODE_LOCKED:
      case TRADE_RETCODE_FROZEN:
         return(RUBI_VERDICT_WAIT);
      case TRADE_RETCODE_INVALID_FILL:
         return(RUBI_VERDICT_FILLING);
      case 0:
      case TRADE_RETCODE_ERROR:
      case TRADE_RETCODE_TIMEOUT:
      case TRADE_RETCODE_CONNECTION:
         return(RUBI_VERDICT_UNKNOWN);
      default:
         return(RUBI_VERDICT_REJECTED);
     }
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiOrders.                                               |
//| Purpose: carries commands out, each at most once: deadline and   |
//|          guards, INTENT on disk, OrderCheck, SENDING on disk,    |
//|          OrderSend, RESULT on disk.                              |
//+------------------------------------------------------------------+
class CRubiOrders
  {
private:
   CRubiBuilder      m_builder;
   string            m_account;
   bool              m_dry_run;
   int               m_executed;

   bool              Late(const SRubiCommand &command,const CRubiClock &clock) const;
   void              Refuse(const SRubiCommand &command,const string code,CRubiJournal &journal,const CRubiClock &clock);
   void              Query(const SRubiCommand &command,CRubiJournal &journal,const CRubiClock &clock);
   bool              Check(const SRubiCommand &command,MqlTradeRequest &request,SRubiReport &report) const;
   string            Rehearsed(const SRubiCommand &command,MqlTradeRequest &request) const;
   bool              Again(const SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const;
   void              Read(const MqlTradeResult &result,const int error,SRubiReport &report) const;
   ENUM_RUBI_VERDICT Attempt(const SRubiCommand &command,MqlTradeRequest &request,int &attempt,
                             CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock,SRubiReport &report);
   void              Send(SRubiCommand &command,MqlTradeRequest &request,
                          CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock);
   void              CloseAll(SRubiCommand &command,CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock);

public:
                     CRubiOrders(void);
   void              Configure(const CRubiSettings &settings);
   void              Bind(const string account);
   void              Handle(SRubiCommand &command,CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock);
   void              Revoke(const long order_id,CRubiJournal &journal,const CRubiClock &clock);
   int               Executed(void) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiOrders::CRubiOrders(void)
  {
   m_account="";
   m_dry_run=true;
   m_executed=0;
  }
//+------------------------------------------------------------------+
//| Take the inputs                                                  |
//+------------------------------------------------------------------+
void CRubiOrders::Configure(const CRubiSettings &settings)
  {
   m_builder.Configure(settings);
   m_dry_run=settings.m_dry_run;
  }
//+------------------------------------------------------------------+
//| The account that the commands are for                            |
//+------------------------------------------------------------------+
void CRubiOrders::Bind(const string account)
  {
   m_account=account;
  }
//+------------------------------------------------------------------+
//| Orders that OrderSend accepted since the start                   |
//+------------------------------------------------------------------+
int CRubiOrders::Executed(void) const
  {
   return(m_executed);
  }
//+------------------------------------------------------------------+
//| Has a deadline of the command passed, or the account changed     |
//+------------------------------------------------------------------+
bool CRubiOrders::Late(const SRubiCommand &command,const CRubiClock &clock) const
  {
   long now=clock.NowMs();
   if(CRubiAccount::Key()!=m_account)
      return(true);
   return((command.not_after>0 && now>command.not_after*1000) || (command.lease_expires>0 && now>=command.lease_expires*1000));
  }
//+------------------------------------------------------------------+
//| Refuse for good; nothing was sent                                |
//+------------------------------------------------------------------+
void CRubiOrders::Refuse(const SRubiCommand &command,const string code,CRubiJournal &journal,const CRubiClock &clock)
  {
   journal.Refused(command.order_id,command.lease_id,code,clock.NowSeconds());
   ExtLog.Info(StringFormat("order %I64d %s %s refused: %s",command.order_id,command.kind,command.symbol,code));
  }
//+------------------------------------------------------------------+
//| An order was cancelled before it came or before it was sent      |
//+------------------------------------------------------------------+
void CRubiOrders::Revoke(const long order_id,CRubiJournal &journal,const CRubiClock &clock)
  {
   if(order_id<=0 || journal.Find(order_id)>=0)
      return;
   journal.Refused(order_id,"","REVOKED",clock.NowSeconds());
   ExtLog.Info(StringFormat("order %I64d revoked",order_id));
  }
//+------------------------------------------------------------------+
//| Tell what is known of an order. "Nothing" is kept too: from then |
//| on the order is never sent                                       |
//+------------------------------------------------------------------+
void CRubiOrders::Query(const SRubiCommand &command,CRubiJournal &journal,const CRubiClock &clock)
  {
   if(journal.Find(command.order_id)>=0)
     {
      journal.Repeat(command.order_id,"",false);
      return;
     }
   SRubiReport report;
   if(journal.Proves(clock.NowSeconds()))
      RubiReportClear(report,"NO_RECORD");
   else
     {
      RubiReportClear(report,"AMBIGUOUS");
      report.message="lines of the journal are damaged, so its silence proves nothing";
     }
   journal.Result(command.order_id,report,false,RubiIso(clock.NowMs()));
  }
//+------------------------------------------------------------------+
//| Work on one command                                              |
//+------------------------------------------------------------------+
void CRubiOrders::Handle(SRubiCommand &command,CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock)
  {
   bool genuine=RubiCommandGenuine(command);
   if(command.kind=="QUERY")
     {
      if(genuine)
         Query(command,journal,clock);
      return;
     }
   if(journal.Find(command.order_id)>=0)
     {
      journal.Repeat(command.order_id,command.lease_id,true);
      ExtLog.Info(StringFormat("order %I64d came again, not sent again",command.order_id));
      return;
     }
   if(!genuine)
     {
      Refuse(command,"SHA_MISMATCH",journal,clock);
      return;
     }
   if(command.not_after>0 && clock.NowMs()>command.not_after*1000)
     {
      Refuse(command,"NOT_AFTER_PASSED",journal,clock);
      return;
     }
   if(Late(command,clock))
     {
      //--- the lease is over: the service hands it out again, perhaps elsewhere
      ExtLog.Info(StringFormat("order %I64d left alone, its lease is over",command.order_id));
      return;
     }
   MqlTradeRequest request;
   ZeroMemory(request);
   string code=guard.Allows(command);
   if(code=="" && command.kind!="CLOSE_ALL")
      code=m_builder.Build(command,guard,request);
   if(code=="" && m_dry_run)
      code=Rehearsed(command,request);
   if(code!="")
     {
      Refuse(command,code,journal,clock);
      return;
     }
   if(!journal.Intent(command,clock.NowSeconds(),(long)TimeCurrent()))
     {
      Refuse(command,"JOURNAL_FAILED",journal,clock);
      return;
     }
   if(command.kind=="CLOSE_ALL")
      CloseAll(command,journal,guard,clock);
   else
      Send(command,request,journal,guard,clock);
  }
//+------------------------------------------------------------------+
//| OrderCheck; a close is sent even when the check says no, because |
//| only the broker may refuse a close                               |
//+------------------------------------------------------------------+
bool CRubiOrders::Check(const SRubiCommand &command,MqlTradeRequest &request,SRubiReport &report) const
  {
   if(request.action!=TRADE_ACTION_DEAL && request.action!=TRADE_ACTION_PENDING)
      return(true);
   MqlTradeCheckResult check;
   ZeroMemory(check);
   ResetLastError();
   if(OrderCheck(request,check))
      return(true);
   int error=GetLastError();
   if(RubiReduces(command.kind) || check.retcode==TRADE_RETCODE_INVALID_FILL)
     {
      ExtLog.Info(StringFormat("order %I64d: OrderCheck says %u %s, sent all the same",command.order_id,check.retcode,check.comment));
      return(true);
     }
   report.retcode=check.retcode;
   report.message=StringFormat("OrderCheck: %s, error %d",check.comment,error);
   if(check.retcode==0)
      report.outcome="NEVER_SENT";
   return(false);
  }
//+------------------------------------------------------------------+
//| What a dry run answers: would the broker have taken it           |
//+------------------------------------------------------------------+
string CRubiOrders::Rehearsed(const SRubiCommand &command,MqlTradeRequest &request) const
  {
   SRubiReport report;
   RubiReportClear(report,"");
   if(command.kind=="CLOSE_ALL" || Check(command,request,report))
      return("DRY_RUN");
   ExtLog.Info(StringFormat("order %I64d: %u %s",command.order_id,report.retcode,report.message));
   return("DRY_RUN_CHECK_FAILED");
  }
//+------------------------------------------------------------------+
//| Make a request ready for another attempt                         |
//+------------------------------------------------------------------+
bool CRubiOrders::Again(const SRubiCommand &command,const CRubiGuard &guard,MqlTradeRequest &request) const
  {
//--- with all guards: the price, or what it is about, may have changed
   SRubiCommand reread=command;
   return(m_builder.Build(reread,guard,request)=="");
  }
//+------------------------------------------------------------------+
//| What OrderSend left behind; a deal or an order may come later    |
//+------------------------------------------------------------------+
void CRubiOrders::Read(const MqlTradeResult &result,const int error,SRubiReport &report) const
  {
   report.retcode=result.retcode;
   report.order_ticket=result.order;
   report.deal_ticket=result.deal;
   report.price=result.price;
   report.volume=result.volume;
   report.message=result.comment;
   if(result.retcode==0)
     {
      //--- 4752: the terminal did not even try; others leave it open
      if(error==4752)
         report.retcode=4752;
      report.message=StringFormat("OrderSend gave no retcode, error %d",error);
     }
   if(result.deal>0 && HistoryDealSelect(result.deal))
      report.position_id=HistoryDealGetInteger(result.deal,DEAL_POSITION_ID);
  }
//+------------------------------------------------------------------+
//| OrderSend until it is done, refused, unknown or too late         |
//+------------------------------------------------------------------+
ENUM_RUBI_VERDICT CRubiOrders::Attempt(const SRubiCommand &command,MqlTradeRequest &request,int &attempt,
                                       CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock,SRubiReport &report)
  {
   ENUM_ORDER_TYPE_FILLING modes[];
   MqlTradeResult          result;
   int                     fillings=CRubiRules::Fillings(request.symbol,command.filling,modes);
   int                     filling=0;
   int                     reprices=0;
   int                     waits=0;
   while(true)
     {
      attempt++;
      if(!journal.Sending(command.order_id,attempt))
        {
         if(attempt==1)
           {
            report.outcome="NEVER_SENT";
            report.message="the journal could not be written";
           }
         return(RUBI_VERDICT_REJECTED);
        }
      if(!RubiReduces(command.kind))
         guard.Sent();
      ZeroMemory(result);
      ResetLastError();
      bool sent=OrderSend(request,result);
      int  error=GetLastError();
      Read(result,error,report);
      ENUM_RUBI_VERDICT verdict=RubiVerdict(report.retcode);
      //--- whatever the retcode says, a deal is a deal
      if(report.deal_ticket>0 && verdict!=RUBI_VERDICT_DONE)
         return(RUBI_VERDICT_UNKNOWN);
      ExtLog.Info(StringFormat("order %I64d %s %s: %s, retcode %u, order %I64u, deal %I64u %s",command.order_id,command.kind,
                               request.symbol,sent ? "accepted" : "not accepted",report.retcode,report.order_ticket,
                               report.deal_ticket,report.message));
      if(verdict==RUBI_VERDICT_REPRICE && reprices<RUBI_PRICE_RETRIES)
         reprices++;
      else
         if(verdict==RUBI_VERDICT_WAIT && waits<RUBI_WAIT_RETRIES)
           {
            waits++;
            Sleep(RUBI_RETRY_SLEEP_MS*waits);
           }
         else
            if(verdict==RUBI_VERDICT_FILLING && request.action==TRADE_ACTION_DEAL && filling+1<fillings)
               filling++;
            else
               return(verdict);
      if(Late(command,clock) || !Again(command,guard,request))
         return(RUBI_VERDICT_REJECTED);
      if(request.action==TRADE_ACTION_DEAL)
         request.type_filling=modes[filling];
     }
   return(RUBI_VERDICT_REJECTED);
  }
//+------------------------------------------------------------------+
//| One request from INTENT to RESULT                                |
//+------------------------------------------------------------------+
void CRubiOrders::Send(SRubiCommand &command,MqlTradeRequest &request,
                       CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock)
  {
   SRubiReport report;
   bool        unknown=false;
   RubiReportClear(report,"RESULT");
   if(Check(command,request,report))
     {
      int               attempt=0;
      ENUM_RUBI_VERDICT verdict=Attempt(command,request,attempt,journal,guard,clock,report);
      unknown=(verdict==RUBI_VERDICT_UNKNOWN);
      if(verdict==RUBI_VERDICT_DONE)
         m_executed++;
      //--- what is not known counts as there
      if(command.kind=="OPEN" && verdict!=RUBI_VERDICT_REJECTED)
         guard.Added(1);
      //--- a part that is left still takes its place
      if((command.kind=="CLOSE_POSITION" || command.kind=="CLOSE_BY") && report.retcode==TRADE_RETCODE_DONE)
         guard.Added(-1);
     }
   journal.Result(command.order_id,report,unknown,RubiIso(clock.NowMs()));
  }
//+------------------------------------------------------------------+
//| Close every position of a symbol and side, empty for any; one    |
//| report                                                           |
//+------------------------------------------------------------------+
void CRubiOrders::CloseAll(SRubiCommand &command,CRubiJournal &journal,CRubiGuard &guard,const CRubiClock &clock)
  {
   SRubiReport report,last;
   ulong       tickets[];
   int         count=m_builder.Oldest(command.symbol,command.side,tickets);
   int         closed=0;
   int         attempt=0;
   bool        unknown=false;
   string      failed="";
   RubiReportClear(report,"RESULT");
   for(int i=0; i<count; i++)
     {
      MqlTradeRequest request;
      SRubiCommand    one=command;
      one.kind="CLOSE_POSITION";
      one.symbol="";
      one.expect_volume=0.0;
      one.position_ticket=tickets[i];
      ZeroMemory(request);
      RubiReportClear(last,"RESULT");
      last.message=m_builder.Build(one,guard,request);
      ENUM_RUBI_VERDICT verdict=RUBI_VERDICT_REJECTED;
      if(last.message=="")
         verdict=Attempt(one,request,attempt,journal,guard,clock,last);
      if(verdict==RUBI_VERDICT_DONE)
        {
         closed++;
         m_executed++;
         if(last.retcode==TRADE_RETCODE_DONE)
            guard.Added(-1);
         report.volume+=last.volume;
         continue;
        }
      if(verdict==RUBI_VERDICT_UNKNOWN || (!unknown && failed==""))
        {
         report.retcode=last.retcode;
         report.order_ticket=last.order_ticket;
         failed=StringFormat(", position %I64u: %u %s",tickets[i],last.retcode,last.message);
        }
      unknown=(unknown || verdict==RUBI_VERDICT_UNKNOWN);
     }
//--- what stays unknown speaks for all, then what was closed, then the first refusal
   if(count==0)
      report.retcode=TRADE_RETCODE_NO_CHANGES;
   else
      if(closed==count)
         report.retcode=TRADE_RETCODE_DONE;
      else
         if(closed>0 && !unknown)
            report.retcode=TRADE_RETCODE_DONE_PARTIAL;
         else
            if(attempt==0)
               report.outcome="NEVER_SENT";
   report.message=StringFormat("closed %d of %d%s",closed,count,failed);
   journal.Result(command.order_id,report,unknown,RubiIso(clock.NowMs()));
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                        Panel.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiPanel.                                                |
//| Purpose: the status on the chart, by Comment().                  |
//+------------------------------------------------------------------+
class CRubiPanel
  {
private:
   string            m_shown;
   string            m_state;
   string            m_trading;
   string            m_work;

   void              Show(void);

public:
                     CRubiPanel(void);
   void              State(const string text);
   void              Trading(const string text);
   void              Work(const string text);
   void              Clear(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiPanel::CRubiPanel(void)
  {
   m_shown="";
   m_state="";
   m_trading="";
   m_work="";
  }
//+------------------------------------------------------------------+
//| Draw when something changed                                      |
//+------------------------------------------------------------------+
void CRubiPanel::Show(void)
  {
   string text="Rubi Studio "+RUBI_VERSION+"\n"+m_state+"\n"+m_trading+"\n"+m_work;
   if(text==m_shown)
      return;
   m_shown=text;
   Comment(text);
  }
//+------------------------------------------------------------------+
//| Connected or why not                                             |
//+------------------------------------------------------------------+
void CRubiPanel::State(const string text)
  {
   m_state=text;
   Show();
  }
//+------------------------------------------------------------------+
//| May it trade or why not                                          |
//+------------------------------------------------------------------+
void CRubiPanel::Trading(const string text)
  {
   m_trading=text;
   Show();
  }
//+------------------------------------------------------------------+
//| What it did                                                      |
//+------------------------------------------------------------------+
void CRubiPanel::Work(const string text)
  {
   m_work=text;
   Show();
  }
//+------------------------------------------------------------------+
//| Leave the chart as it was                                        |
//+------------------------------------------------------------------+
void CRubiPanel::Clear(void)
  {
   m_shown="";
   Comment("");
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                    Positions.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiPositions.                                            |
//| Purpose: the whole lists of positions and of working orders.     |
//+------------------------------------------------------------------+
class CRubiPositions
  {
private:
   long              m_ids[];
   double            m_volumes[];
   double            m_costs[];
   int               m_count;

   bool              Cost(const long position_id,const double volume,double &cost);

public:
                     CRubiPositions(void);
   void              Reset(void);
   void              WritePositions(CRubiJsonWriter &writer);
   void              WriteOrders(CRubiJsonWriter &writer) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiPositions::CRubiPositions(void)
  {
   m_count=0;
  }
//+------------------------------------------------------------------+
//| Another account                                                  |
//+------------------------------------------------------------------+
void CRubiPositions::Reset(void)
  {
   m_count=0;
  }
//+------------------------------------------------------------------+
//| Commission and fees of a position so far, out of its deals; they |
//| only change with its volume                                      |
//+------------------------------------------------------------------+
bool CRubiPositions::Cost(const long position_id,const double volume,double &cost)
  {
   int index=-1;
   for(int i=0; i<m_count; i++)
     {
      if(m_ids[i]==position_id)
         index=i;
     }
   if(index>=0 && MathAbs(m_volumes[index]-volume)<0.00000001)
     {
      cost=m_costs[index];
      return(true);
     }
   if(!HistorySelectByPosition(position_id))
      return(false);
   int total=HistoryDealsTotal();
   cost=0.0;
   for(int i=0; i<total; i++)
     {
      ulong deal=HistoryDealGetTicket(i);
      if(deal>0)
         cost+=HistoryDealGetDouble(deal,DEAL_COMMISSION)+HistoryDealGetDouble(deal,DEAL_FEE);
     }
//--- the first deal may not have come yet: ask again next time
   if(total==0)
      return(false);
   if(index<0)
     {
      index=m_count;
      m_count++;
      ArrayResize(m_ids,m_count,64);
      ArrayResize(m_volumes,m_count,64);
      ArrayResize(m_costs,m_count,64);
     }
   m_ids[index]=position_id;
   m_volumes[index]=volume;
   m_costs[index]=cost;
   return(true);
  }
//+------------------------------------------------------------------+
//| Every position of the account, ours or not                       |
//+------------------------------------------------------------------+
void CRubiPositions::WritePositions(CRubiJsonWriter &writer)
  {
   int total=PositionsTotal();
//--- closed positions need not be remembered for ever
   if(m_count>total+500)
      m_count=0;
   writer.OpenList("positions");
   for(int i=0; i<total; i++)
     {
      ulong ticket=PositionGetTicket(i);
      if(ticket==0)
         continue;
      long   position_id=PositionGetInteger(POSITION_IDENTIFIER);
      double volume=PositionGetDouble(POSITION_VOLUME);
      string type=EnumToString((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE));
      writer.OpenObject("");
      writer.PutTicket("ticket",ticket);
      writer.PutTicket("position_id",(ulong)position_id);
      writer.PutText("symbol",PositionGetString(POSITION_SYMBOL));
      writer.PutText("type",RubiName(type,"POSITION_TYPE_"));
      writer.PutNumber("volume",volume);
      writer.PutNumber("open_price",PositionGetDouble(POSITION_PRICE_OPEN));
      writer.PutNumber("current_price",PositionGetDouble(POSITION_PRICE_CURRENT));
      writer.PutNumber("sl",PositionGetDouble(POSITION_SL));
      writer.PutNumber("tp",PositionGetDouble(POSITION_TP));
      writer.PutNumber("profit",PositionGetDouble(POSITION_PROFIT));
      writer.PutNumber("swap",PositionGetDouble(POSITION_SWAP));
      double cost=0.0;
      if(Cost(position_id,volume,cost))
         writer.PutNumber("commission",cost);
      writer.PutTicket("magic",(ulong)PositionGetInteger(POSITION_MAGIC));
      writer.PutText("comment",PositionGetString(POSITION_COMMENT));
      writer.PutLong("open_time_msc",PositionGetInteger(POSITION_TIME_MSC));
      writer.CloseObject();
     }
   writer.CloseList();
  }
//+------------------------------------------------------------------+
//| Every working order of the account                               |
//+------------------------------------------------------------------+
void CRubiPositions::WriteOrders(CRubiJsonWriter &writer) const
  {
   int total=OrdersTotal();
   writer.OpenList("orders");
   for(int i=0; i<total; i++)
     {
      ulong ticket=OrderGetTicket(i);
      if(ticket==0)
         continue;
      string type=EnumToString((ENUM_ORDER_TYPE)OrderGetInteger(ORDER_TYPE));
      string state=EnumToString((ENUM_ORDER_STATE)OrderGetInteger(ORDER_STATE));
      string type_time=EnumToString((ENUM_ORDER_TYPE_TIME)OrderGetInteger(ORDER_TYPE_TIME));
      writer.OpenObject("");
      writer.PutTicket("ticket",ticket);
      writer.PutText("symbol",OrderGetString(ORDER_SYMBOL));
      writer.PutText("type",RubiName(type,"ORDER_TYPE_"));
      writer.PutNumber("volume_initial",OrderGetDouble(ORDER_VOLUME_INITIAL));
      writer.PutNumber("volume_current",OrderGetDouble(ORDER_VOLUME_CURRENT));
      writer.PutNumber("price_open",OrderGetDouble(ORDER_PRICE_OPEN));
      writer.PutNumber("stop_limit",OrderGetDouble(ORDER_PRICE_STOPLIMIT));
      writer.PutNumber("sl",OrderGetDouble(ORDER_SL));
      writer.PutNumber("tp",OrderGetDouble(ORDER_TP));
      writer.PutText("state",RubiName(state,"ORDER_STATE_"));
      writer.PutText("type_time",RubiName(type_time,"ORDER_TIME_"));
      writer.PutLong("expiration",OrderGetInteger(ORDER_TIME_EXPIRATION));
      writer.PutTicket("magic",(ulong)OrderGetInteger(ORDER_MAGIC));
      writer.PutText("comment",OrderGetString(ORDER_COMMENT));
      writer.PutLong("time_setup_msc",OrderGetInteger(ORDER_TIME_SETUP_MSC));
      writer.PutTicket("position_id",(ulong)OrderGetInteger(ORDER_POSITION_ID));
      writer.CloseObject();
     }
   writer.CloseList();
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//|                                                     Recovery.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiRecovery.                                             |
//| Purpose: looks at the broker for orders whose end is not known:  |
//|          in the book, in history, among positions. Silence is    |
//|          believed only when connected, and only after a while.   |
//+------------------------------------------------------------------+
class CRubiRecovery
  {
private:
   ulong             m_bound;

   bool              Ours(const SRubiEntry &entry,const string comment,const long magic,const bool same) const;
   bool              InBook(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const;
   bool              InHistory(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const;
   bool              InPositions(const SRubiEntry &entry,SRubiReport &report) const;
   bool              Fills(const SRubiEntry &entry,const ulong order,SRubiReport &report) const;
   bool              Opened(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const;
   bool              Closed(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const;
   bool              Changed(const SRubiEntry &entry,SRubiReport &report) const;
   bool              Gone(const SRubiEntry &entry,SRubiReport &report) const;
   bool              Incomplete(const SRubiEntry &entry) const;
   bool              Found(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const;

public:
                     CRubiRecovery(void);
   void              Bind(void);
   void              Look(CRubiJournal &journal,const CRubiClock &clock);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiRecovery::CRubiRecovery(void)
  {
   m_bound=0;
  }
//+------------------------------------------------------------------+
//| An account was opened now                                        |
//+------------------------------------------------------------------+
void CRubiRecovery::Bind(void)
  {
   m_bound=GetTickCount64();
  }
//+------------------------------------------------------------------+
//| Look for every order whose end is not known                      |
//+------------------------------------------------------------------+
void CRubiRecovery::Look(CRubiJournal &journal,const CRubiClock &clock)
  {
   ulong now=GetTickCount64();
   int   total=journal.Count();
   if(!CRubiAccount::Connected())
     {
      //--- history of before the break may come late: begin the wait again
      m_bound=now;
      return;
     }
   for(int i=total-1; i>=0; i--)
     {
      SRubiEntry entry;
      if(!journal.Get(i,entry) || entry.forgotten)
         continue;
      bool open=(entry.phase==RUBI_PHASE_INTENT || entry.phase==RUBI_PHASE_SENDING);
      bool thin=Incomplete(entry);
      if(!open && !entry.unsettled && !thin)
         continue;
      long age=clock.NowSeconds()-entry.intent_at;
      if(!open && age>RUBI_DAY_SECONDS)
         continue;
      if(entry.looked>0 && now-entry.looked<(ulong)(age<120 ? 1000 : 10000))
         continue;
      journal.Looked(i,now);
      SRubiReport report;
      RubiReportClear(report,"RECOVERED");
      string at=RubiIso(clock.NowMs());
      bool found=Found(entry,journal,report);
      //--- what was placed is complete with its deal only
      if(thin && (entry.kind=="OPEN" ? report.deal_ticket==0 : report.order_ticket==0))
         continue;
      if(found)
        {
         ExtLog.Info(StringFormat("order %I64d found at the broker: retcode %u, order %I64u, deal %I64u",entry.order_id,
                                  report.retcode,report.order_ticket,report.deal_ticket));
         journal.Result(entry.order_id,report,false,at);
         continue;
        }
      if(now-m_bound<RUBI_GRACE_MS)
         continue;
      if(entry.phase==RUBI_PHASE_INTENT && journal.Trusted(entry))
        {
         RubiReportClear(report,"NEVER_SENT");
         report.message="the journal has no SENDING and the broker has no trace";
         journal.Result(entry.order_id,report,false,at);
         continue;
        }
      if(open || (entry.report.outcome=="RESULT" && age*1000>RUBI_UNSETTLED_MS))
        {
         RubiReportClear(report,"AMBIGUOUS");
         report.retcode=entry.report.retcode;
         report.message="sent or about to be sent; the broker shows nothing of it";
         ExtLog.Error(StringFormat("order %I64d is ambiguous: check the account",entry.order_id));
         journal.Result(entry.order_id,report,true,at);
        }
     }
  }
//+------------------------------------------------------------------+
//| Was it accepted without the ticket that says what became of it   |
//+------------------------------------------------------------------+
bool CRubiRecovery::Incomplete(const SRubiEntry &entry) const
  {
   if(entry.phase!=RUBI_PHASE_RESULT || entry.unsettled || entry.report.outcome!="RESULT")
      return(false);
   if(entry.report.retcode<TRADE_RETCODE_PLACED || entry.report.retcode>TRADE_RETCODE_DONE_PARTIAL)
      return(false);
   if(entry.kind=="OPEN")
      return(entry.report.deal_ticket==0);
   return(entry.kind=="PLACE_PENDING" && entry.report.order_ticket==0);
  }
//+------------------------------------------------------------------+
//| Is the order's effect at the broker                              |
//+------------------------------------------------------------------+
bool CRubiRecovery::Found(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const
  {
   if(entry.kind=="OPEN" || entry.kind=="PLACE_PENDING")
      return(Opened(entry,journal,report));
   if(entry.kind=="CANCEL_PENDING")
      return(Gone(entry,report));
   if(entry.kind=="MODIFY_POSITION" || entry.kind=="MODIFY_PENDING")
      return(Changed(entry,report));
   return(Closed(entry,journal,report));
  }
//+------------------------------------------------------------------+
//| Does a record at the broker belong to the order. The comment is  |
//| a helper, because brokers rewrite it; then all else must fit.    |
//+------------------------------------------------------------------+
bool CRubiRecovery::Ours(const SRubiEntry &entry,const string comment,const long magic,const bool same) const
  {
   if(entry.comment!="" && StringFind(comment,entry.comment)==0)
     {
      //--- RS-B is not RS-BA
      int size=StringLen(entry.comment);
      if(StringLen(comment)==size)
         return(true);
      ushort next=StringGetCharacter(comment,size);
      if(!((next>='A' && next<='Z') || (next>='2' && next<='7')))
         return(true);
     }
   if(StringFind(comment,"RS-")==0 || magic!=(long)entry.magic || magic==0)
      return(false);
   return(same);
  }
//+------------------------------------------------------------------+
//| A market or pending order: book, then history, then positions    |
//+------------------------------------------------------------------+
bool CRubiRecovery::Opened(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const
  {
   if(InHistory(entry,journal,report))
      return(true);
   if(InBook(entry,journal,report))
      return(true);
   return(InPositions(entry,report));
  }
//+------------------------------------------------------------------+
//| Among the working orders                                         |
//+------------------------------------------------------------------+
bool CRubiRecovery::InBook(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const
  {
   int total=OrdersTotal();
   for(int i=0; i<total; i++)
     {
      ulong ticket=OrderGetTicket(i);
      if(ticket==0 || OrderGetString(ORDER_SYMBOL)!=entry.symbol || journal.Claimed(ticket,0,entry.order_id))
         continue;
      bool buy=CRubiRules::BuySide((ENUM_ORDER_TYPE)OrderGetInteger(ORDER_TYPE));
      bool same=(buy==(entry.side=="BUY") && MathAbs(OrderGetDouble(ORDER_VOLUME_INITIAL)-entry.volume)<0.00000001
                 && OrderGetInteger(ORDER_TIME_SETUP)>=entry.intent_server-1);
      if(!Ours(entry,OrderGetString(ORDER_COMMENT),OrderGetInteger(ORDER_MAGIC),same))
         continue;
      report.retcode=TRADE_RETCODE_PLACED;
      report.order_ticket=ticket;
      report.volume=OrderGetDouble(ORDER_VOLUME_INITIAL);
      report.message="working at the broker";
      return(true);
     }
   return(false);
  }
//+------------------------------------------------------------------+
//| Among the orders of history                                      |
//+------------------------------------------------------------------+
bool CRubiRecovery::InHistory(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const
  {
   ulong found=0;
   if(!HistorySelect((datetime)(entry.intent_server-RUBI_DAY_SECONDS),(datetime)((long)TimeTradeServer()+RUBI_DAY_SECONDS)))
      return(false);
   int total=HistoryOrdersTotal();
   for(int i=total-1; i>=0; i--)
     {
      ulong ticket=HistoryOrderGetTicket(i);
      if(ticket==0 || HistoryOrderGetString(ticket,ORDER_SYMBOL)!=entry.symbol || journal.Claimed(ticket,0,entry.order_id))
         continue;
      //--- a closing deal of a position may carry its comment
      long done=HistoryOrderGetInteger(ticket,ORDER_TIME_SETUP);
      bool buy=CRubiRules::BuySide((ENUM_ORDER_TYPE)HistoryOrderGetInteger(ticket,ORDER_TYPE));
      if(done<entry.intent_server-1 || buy!=(entry.side=="BUY"))
         continue;
      bool same=(MathAbs(HistoryOrderGetDouble(ticket,ORDER_VOLUME_INITIAL)-entry.volume)<0.00000001);
      if(!Ours(entry,HistoryOrderGetString(ticket,ORDER_COMMENT),HistoryOrderGetInteger(ticket,ORDER_MAGIC),same))
         continue;
      found=ticket;
      break;
     }
   if(found==0)
      return(false);
   ENUM_ORDER_STATE state=(ENUM_ORDER_STATE)HistoryOrderGetInteger(found,ORDER_STATE);
   report.order_ticket=found;
   report.message="in history as "+RubiName(EnumToString(state),"ORDER_STATE_");
   if(Fills(entry,found,report))
      return(true);
   if(entry.kind=="PLACE_PENDING")
      report.retcode=TRADE_RETCODE_PLACED;
   else
      if(state==ORDER_STATE_REJECTED)
         report.retcode=TRADE_RETCODE_REJECT;
      else
         if(state==ORDER_STATE_CANCELED || state==ORDER_STATE_EXPIRED)
            report.retcode=TRADE_RETCODE_CANCEL;
         else
            report.retcode=TRADE_RETCODE_PLACED;
   return(true);
  }
//+------------------------------------------------------------------+
//| The deals of an order, in the history that is selected           |
//+------------------------------------------------------------------+
bool CRubiRecovery::Fills(const SRubiEntry &entry,const ulong order,SRubiReport &report) const
  {
   double money=0.0;
   int    total=HistoryDealsTotal();
   for(int i=0; i<total; i++)
     {
      ulong deal=HistoryDealGetTicket(i);
      if(deal==0 || HistoryDealGetInteger(deal,DEAL_ORDER)!=(long)order)
         continue;
      double volume=HistoryDealGetDouble(deal,DEAL_VOLUME);
      report.deal_ticket=deal;
      report.position_id=HistoryDealGetInteger(deal,DEAL_POSITION_ID);
      report.volume+=volume;
      money+=volume*HistoryDealGetDouble(deal,DEAL_PRICE);
     }
   if(report.volume<=0.0)
      return(false);
   report.price=money/report.volume;
   report.retcode=TRADE_RETCODE_DONE;
   if(entry.volume>0.0 && report.volume<entry.volume-0.00000001)
      report.retcode=TRADE_RETCODE_DONE_PARTIAL;
   return(true);
  }
//+------------------------------------------------------------------+
//| Among the positions, when history has not come yet               |
//+------------------------------------------------------------------+
bool CRubiRecovery::InPositions(const SRubiEntry &entry,SRubiReport &report) const
  {
   int total=PositionsTotal();
   for(int i=0; i<total; i++)
     {
      ulong ticket=PositionGetTicket(i);
      if(ticket==0 || PositionGetString(POSITION_SYMBOL)!=entry.symbol)
         continue;
      if(PositionGetInteger(POSITION_TIME)<entry.intent_server-1)
         continue;
      bool buy=((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_BUY);
      if(buy!=(entry.side=="BUY") || !Ours(entry,PositionGetString(POSITION_COMMENT),PositionGetInteger(POSITION_MAGIC),false))
         continue;
      report.retcode=TRADE_RETCODE_DONE;
      report.position_id=PositionGetInteger(POSITION_IDENTIFIER);
      report.price=PositionGetDouble(POSITION_PRICE_OPEN);
      report.volume=PositionGetDouble(POSITION_VOLUME);
      report.message="a position at the broker";
      return(true);
     }
   return(false);
  }
//+------------------------------------------------------------------+
//| A close: a deal of ours out of the position since the intent     |
//+------------------------------------------------------------------+
bool CRubiRecovery::Closed(const SRubiEntry &entry,const CRubiJournal &journal,SRubiReport &report) const
  {
   if(entry.kind=="CLOSE_ALL")
     {
      int total=PositionsTotal();
      for(int i=0; i<total; i++)
        {
         ulong ticket=PositionGetTicket(i);
         if(ticket>0 && CRubiRules::Meant(entry.symbol,entry.side))
            return(false);
        }
      report.retcode=TRADE_RETCODE_DONE;
      report.message="no position is left";
      return(true);
     }
   if(entry.position_ticket==0 || !HistorySelectByPosition((long)entry.position_ticket))
      return(false);
   double money=0.0;
   int    total=HistoryDealsTotal();
   for(int i=0; i<total; i++)
     {
      ulong deal=HistoryDealGetTicket(i);
      if(deal==0 || HistoryDealGetInteger(deal,DEAL_TIME)<entry.intent_server-1)
         continue;
      ENUM_DEAL_ENTRY way=(ENUM_DEAL_ENTRY)HistoryDealGetInteger(deal,DEAL_ENTRY);
      if(way==DEAL_ENTRY_IN || (ENUM_DEAL_REASON)HistoryDealGetInteger(deal,DEAL_REASON)!=DEAL_REASON_EXPERT)
         continue;
      if(!Ours(entry,HistoryDealGetString(deal,DEAL_COMMENT),HistoryDealGetInteger(deal,DEAL_MAGIC),true))
         continue;
      //--- another close of the same position, whose comment the broker rewrote as well
      if(journal.Claimed((ulong)HistoryDealGetInteger(deal,DEAL_ORDER),deal,entry.order_id))
         continue;
      double volume=HistoryDealGetDouble(deal,DEAL_VOLUME);
      report.deal_ticket=deal;
      report.order_ticket=(ulong)HistoryDealGetInteger(deal,DEAL_ORDER);
      report.position_id=(long)entry.position_ticket;
      report.volume+=volume;
      money+=volume*HistoryDealGetDouble(deal,DEAL_PRICE);
     }
   if(report.volume<=0.0)
      return(false);
   report.price=money/report.volume;
   report.retcode=TRADE_RETCODE_DONE;
   if(report.volume<entry.volume-0.00000001)
      report.retcode=TRADE_RETCODE_DONE_PARTIAL;
   report.message="closed at the broker";
   return(true);
  }
//+------------------------------------------------------------------+
//| A change: are the stops (and the price) what was asked           |
//+------------------------------------------------------------------+
bool CRubiRecovery::Changed(const SRubiEntry &entry,SRubiReport &report) const
  {
   double slack=SymbolInfoDouble(entry.symbol,SYMBOL_POINT)/2.0;
   double sl=0.0;
   double tp=0.0;
   if(entry.kind=="MODIFY_PENDING")
     {
      if(!OrderSelect(entry.order_ticket) || MathAbs(OrderGetDouble(ORDER_PRICE_OPEN)-entry.price)>slack)
         return(false);
      sl=OrderGetDouble(ORDER_SL);
      tp=OrderGetDouble(ORDER_TP);
     }
   else
     {
      if(!PositionSelectByTicket(entry.position_ticket))
         return(false);
      sl=PositionGetDouble(POSITION_SL);
      tp=PositionGetDouble(POSITION_TP);
     }
   report.retcode=TRADE_RETCODE_DONE;
   report.order_ticket=entry.order_ticket;
   report.message="as asked at the broker";
   return(MathAbs(sl-entry.sl)<=slack && MathAbs(tp-entry.tp)<=slack);
  }
//+------------------------------------------------------------------+
//| A cancel: is the order cancelled                                 |
//+------------------------------------------------------------------+
bool CRubiRecovery::Gone(const SRubiEntry &entry,SRubiReport &report) const
  {
   if(OrderSelect(entry.order_ticket) || !HistoryOrderSelect(entry.order_ticket))
      return(false);
   if((ENUM_ORDER_STATE)HistoryOrderGetInteger(entry.order_ticket,ORDER_STATE)!=ORDER_STATE_CANCELED)
      return(false);
   report.retcode=TRADE_RETCODE_DONE;
   report.order_ticket=entry.order_ticket;
   report.message="cancelled at the broker";
   return(true);
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiDesk.                                                 |
//| Purpose: all parts of the connector, bound to one account.       |
//|          Another account is another folder, lock and session.    |
//+------------------------------------------------------------------+
class CRubiDesk
  {
protected:
   CRubiClock        m_clock;
   CRubiHttp         m_http;
   CRubiInstance     m_instance;
   CRubiJournal      m_journal;
   CRubiOutbox       m_outbox;
   CRubiInbox        m_inbox;
   CRubiGuard        m_guard;
   CRubiOrders       m_orders;
   CRubiRecovery     m_recovery;
   CRubiPositions    m_positions;
   CRubiDeals        m_deals;
   CRubiSymbols      m_symbols;
   CRubiMarket       m_market;
   CRubiBars         m_bars;
   CRubiPanel        m_panel;
   string            m_account;

                     CRubiDesk(void);
   void              Equip(const CRubiSettings &settings);
   bool              Bind(const string account);
   void              Unbind(void);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiDesk::CRubiDesk(void)
  {
   m_account="";
  }
//+------------------------------------------------------------------+
//| Give every part its inputs                                       |
//+------------------------------------------------------------------+
void CRubiDesk::Equip(const CRubiSettings &settings)
  {
   m_clock.Reset();
   m_http.Configure(settings);
   m_guard.Configure(settings);
   m_orders.Configure(settings);
   m_deals.Configure(settings);
   m_symbols.Configure(settings);
   m_market.Configure(settings);
   m_bars.Configure(settings);
  }
//+------------------------------------------------------------------+
//| Open the files and take the lock of an account                   |
//+------------------------------------------------------------------+
bool CRubiDesk::Bind(const string account)
  {
   string folder=RUBI_FOLDER+"/"+account;
   Unbind();
   RubiMakeFolder(folder,0);
   if(!m_instance.Open(account,folder))
     {
      m_panel.State("Another chart runs the connector for this account, or MQL5/Files/"+folder+" cannot be written");
      Unbind();
      return(false);
     }
   if(!m_instance.Take())
     {
      m_panel.State("Another chart runs the connector for this account");
      Unbind();
      return(false);
     }
   bool opened=(m_journal.Open(folder,m_clock.NowSeconds()) && m_outbox.Open(folder));
   if(!opened)
     {
      m_panel.State("Cannot open the journal in MQL5/Files/"+folder+": see the Experts tab");
      Unbind();
      return(false);
     }
   m_inbox.Open(account,folder);
   m_orders.Bind(account);
   m_recovery.Bind();
   m_positions.Reset();
   m_bars.Reset();
   m_deals.Resume(0);
   m_symbols.Refresh();
   m_account=account;
   ExtLog.Info(StringFormat("account %s, terminal %s, %d orders in the journal, %d signals waiting",account,
                            m_instance.Id(),m_journal.Count(),m_outbox.Count()));
   return(true);
  }
//+------------------------------------------------------------------+
//| Close the files and give the lock back                           |
//+------------------------------------------------------------------+
void CRubiDesk::Unbind(void)
  {
   m_journal.Close();
   m_outbox.Close();
   m_instance.Release();
   m_account="";
  }
//+------------------------------------------------------------------+
//+------------------------------------------------------------------+
//| Class CRubiSession.                                              |
//| Purpose: what is said to the service and what its answers do.    |
//|          The body of a sync is kept until it is answered, so     |
//|          that a lost answer is asked for with the same bytes.    |
//+------------------------------------------------------------------+
class CRubiSession : public CRubiDesk
  {
protected:
   string            m_session;
   long              m_epoch;
   long              m_seq;
   string            m_body;           // unacknowledged, empty for none
   int               m_body_wait;
   int               m_strip;          // 0 all, 1 without market data, 2 the least
   int               m_suspects;       // oldest signals that are to go one at a time
   bool              m_cleared;        // the least without signals was taken
   bool              m_probe;          // the body is the least and one suspect
   bool              m_books_fit;
   long              m_poll;
   string            m_trading_state;
   bool              m_worked;         // the last answer brought work

                     CRubiSession(void);
   void              EndSession(void);
   string            ConnectBody(void);
   bool              TakeConnect(const string answer);
   void              Compose(const int wait);
   void              Discard(const bool refused);
   bool              TakeSync(const string answer);

private:
   void              Write(CRubiJsonWriter &writer,const int wait,const bool books);
   int               SignalLimit(void) const;
   void              TellBooks(const bool fit);
   void              TakeAcks(const CRubiJsonReader &reader,const int root);
   void              TakeSignalAcks(const CRubiJsonReader &reader,const int list);
   void              TakeNeeds(const CRubiJsonReader &reader,const int list,const long cursor);
   void              TakeCommands(const CRubiJsonReader &reader,const int root);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiSession::CRubiSession(void)
  {
   m_session="";
   m_epoch=0;
   m_seq=0;
   m_body="";
   m_body_wait=0;
   m_strip=0;
   m_suspects=0;
   m_cleared=false;
   m_probe=false;
   m_books_fit=true;
   m_poll=0;
   m_trading_state="";
   m_worked=false;
  }
//+------------------------------------------------------------------+
//| Forget the session; what it did not deliver is kept elsewhere    |
//+------------------------------------------------------------------+
void CRubiSession::EndSession(void)
  {
   m_session="";
   m_epoch=0;
   m_seq=0;
   m_body="";
   m_trading_state="";
   m_worked=false;
   m_deals.Dropped();
  }
//+------------------------------------------------------------------+
//| The body of connect                                              |
//+------------------------------------------------------------------+
string CRubiSession::ConnectBody(void)
  {
   CRubiJsonWriter writer;
   m_symbols.Refresh();
   writer.OpenObject("");
   CRubiAccount::WriteIdentity(writer);
   writer.PutLong("protocol",RUBI_PROTOCOL);
   writer.PutText("terminal_instance_id",m_instance.Id());
   writer.PutText("ea_version",RUBI_VERSION);
   CRubiAccount::WriteTime(writer,m_market.Newest(m_symbols));
   writer.PutTextOrNull("last_session_id",m_journal.LastSession());
   writer.OpenObject("journal");
   m_journal.WriteOpen(writer);
   writer.CloseObject();
   writer.PutText("symbols_hash",m_symbols.Hash());
   writer.CloseObject();
   return(writer.Text());
  }
//+------------------------------------------------------------------+
//| The answer of connect; false when it is none                     |
//+------------------------------------------------------------------+
bool CRubiSession::TakeConnect(const string answer)
  {
   CRubiJsonReader reader;
   if(!reader.Parse(answer))
      return(false);
   int    root=reader.Root();
   string session=reader.TextOf(root,"session_id");
   long   epoch=reader.LongOf(root,"epoch");
   if(session=="" || epoch<=0)
      return(false);
   EndSession();
   m_session=session;
   m_epoch=epoch;
   m_strip=0;
   m_suspects=0;
   m_clock.Reset();
   m_clock.Learn(reader.TextOf(root,"server_time"));
   m_trading_state=reader.TextOf(root,"trading_state");
   m_poll=reader.LongOf(reader.Find(root,"poll"),"idle_ms");
   m_guard.TakeLimits(reader,reader.Find(root,"limits"));
   int cursor=reader.Find(reader.Find(root,"resume"),"deal_cursor");
   m_deals.Resume(reader.LongOf(cursor,"time_msc"));
   m_bars.Resume(reader,reader.Find(reader.Find(root,"resume"),"bars"),m_symbols);
   TakeNeeds(reader,reader.Find(root,"need"),0);
   int actions=reader.Find(root,"journal_actions");
   for(int node=reader.First(actions); node>=0; node=reader.Next(node))
     {
      long   order_id=reader.LongOf(node,"order_id");
      string action=reader.TextOf(node,"action");
      if(action=="FORGET" && m_journal.Find(order_id)>=0)
         m_journal.Forget(order_id);
      if(action=="REPORT")
         m_journal.Repeat(order_id,"",false);
     }
   return(true);
  }
//+------------------------------------------------------------------+
//| Make the next body; it is kept until it is answered. The session |
//| is on disk before its first one; on a full disk as soon as it can|
//+------------------------------------------------------------------+
void CRubiSession::Compose(const int wait)
  {
   m_journal.Session(m_session);
   m_seq++;
   m_body_wait=wait;
   m_probe=(m_strip>=2 && m_cleared && m_suspects>0);
   bool books=true;
   while(true)
     {
      CRubiJsonWriter writer;
      Write(writer,wait,books);
      m_body=writer.Text();
      if(m_strip>=2 || RubiByteSize(m_body)<RUBI_BODY_BYTES)
         break;
      if(!books)
         break;
      m_deals.Dropped();
      if(m_strip<1)
         m_strip++;
      else
         books=false;
     }
   if(m_strip<2)
      TellBooks(books);
  }
//+------------------------------------------------------------------+
//| The lists are told whole or not at all: say so when they are not |
//+------------------------------------------------------------------+
void CRubiSession::TellBooks(const bool fit)
  {
   if(!fit && m_books_fit)
      ExtLog.Error(StringFormat("%d positions and %d orders do not fit into one message of %d bytes: the service does not see them",
                                PositionsTotal(),OrdersTotal(),RUBI_BODY_BYTES));
   m_books_fit=fit;
  }
//+------------------------------------------------------------------+
//| How many signals the body may hold                               |
//+------------------------------------------------------------------+
int CRubiSession::SignalLimit(void) const
  {
   if(m_strip<2)
      return(RUBI_SIGNALS_PER_SYNC);
   return(m_probe ? 1 : 0);
  }
//+------------------------------------------------------------------+
//| The service processed nothing of the body: make another. What it |
//| refuses is looked for: first without signals, then one at a time |
//+------------------------------------------------------------------+
void CRubiSession::Discard(const bool refused)
  {
   m_body="";
   m_seq--;
   m_deals.Dropped();
   if(m_probe)
     {
      if(refused)
         m_outbox.SetAside(0,"the service cannot read it");
      m_suspects=refused ? m_suspects-1 : 0;
      m_probe=false;
      return;
     }
   m_cleared=false;
   if(m_strip<2)
      m_strip++;
   if(m_strip>=2)
      m_suspects=m_outbox.Count();
  }
//+------------------------------------------------------------------+
//| Everything of one cycle                                          |
//+------------------------------------------------------------------+
void CRubiSession::Write(CRubiJsonWriter &writer,const int wait,const bool books)
  {
   bool connected=CRubiAccount::Connected();
   writer.OpenObject("");
   writer.PutText("session_id",m_session);
   writer.PutLong("epoch",m_epoch);
   writer.PutLong("seq",m_seq);
   CRubiAccount::WriteTime(writer,m_market.Newest(m_symbols));
   CRubiAccount::WriteFlags(writer);
   CRubiAccount::WriteMoney(writer);
   m_journal.WriteAcks(writer);
   m_journal.WriteReports(writer);
//--- without a connection the lists are not known
   if(connected && books && m_strip<2)
     {
      string taken_at=RubiIso(m_clock.Stamp());
      writer.PutText("taken_at",taken_at);
      m_positions.WritePositions(writer);
      m_positions.WriteOrders(writer);
     }
   if(connected && m_strip<2)
      m_deals.Write(writer,m_strip<1);
   int signals=m_outbox.Write(writer,SignalLimit());
   if(m_strip<1)
     {
      if(connected)
         m_market.WriteQuotes(writer,m_outbox,signals);
      m_symbols.Write(writer);
      m_market.WriteTicks(writer,m_symbols);
      m_bars.Write(writer,m_symbols);
     }
   writer.PutLong("wait_ms",wait);
   writer.CloseObject();
  }
//+------------------------------------------------------------------+
//| The answer of sync; false when it is not the one to this body    |
//+------------------------------------------------------------------+
bool CRubiSession::TakeSync(const string answer)
  {
   CRubiJsonReader reader;
   if(!reader.Parse(answer))
      return(false);
   int root=reader.Root();
   if(reader.LongOf(root,"seq_ack")!=m_seq || reader.LongOf(root,"epoch")!=m_epoch)
      return(false);
   m_body="";
   m_worked=false;
   m_clock.Learn(reader.TextOf(root,"server_time"));
   m_trading_state=reader.TextOf(root,"trading_state");
   m_poll=reader.LongOf(root,"next_poll_ms");
   m_deals.Acknowledged();
   m_symbols.Acknowledged();
   m_market.Acknowledged();
   m_bars.Acknowledged();
   TakeAcks(reader,root);
   if(m_probe)
      m_suspects--;
   else
      if(m_strip>=2)
         m_cleared=true;
   m_probe=false;
   if(m_suspects>m_outbox.Count())
      m_suspects=m_outbox.Count();
   m_guard.TakeLimits(reader,reader.Find(root,"limits"));
   long cursor=reader.LongOf(reader.Find(root,"deal_cursor"),"time_msc");
   m_deals.Advance(cursor);
   TakeNeeds(reader,reader.Find(root,"need"),cursor);
   TakeCommands(reader,root);
   return(true);
  }
//+------------------------------------------------------------------+
//| What the service has now                                         |
//+------------------------------------------------------------------+
void CRubiSession::TakeAcks(const CRubiJsonReader &reader,const int root)
  {
   int list=reader.Find(root,"ack_acks");
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      string text=reader.Text(node);
      int    mark=StringFind(text,":");
      if(mark>0)
         m_journal.Acked(StringToInteger(RubiCut(text,0,mark)),StringSubstr(text,mark+1));
     }
   list=reader.Find(root,"report_acks");
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      string text=reader.Text(node);
      int    mark=StringFind(text,":");
      if(mark>0)
         m_journal.Acked(StringToInteger(RubiCut(text,0,mark)),"n"+StringSubstr(text,mark+1));
     }
   TakeSignalAcks(reader,reader.Find(root,"signal_acks"));
  }
//+------------------------------------------------------------------+
//| Signals that need not be sent again                              |
//+------------------------------------------------------------------+
void CRubiSession::TakeSignalAcks(const CRubiJsonReader &reader,const int list)
  {
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      string key=reader.TextOf(node,"key");
      string status=reader.TextOf(node,"status");
      if(!m_outbox.Remove(key))
         continue;
      if(status=="INVALID")
         ExtLog.Error("signal "+key+" was not accepted: "+reader.TextOf(node,"code"));
      else
         ExtLog.Info("signal "+key+" delivered as "+reader.TextOf(node,"id")+", "+status);
     }
  }
//+------------------------------------------------------------------+
//| What the service asks for                                        |
//+------------------------------------------------------------------+
void CRubiSession::TakeNeeds(const CRubiJsonReader &reader,const int list,const long cursor)
  {
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      string what=reader.Text(node);
      if(what=="symbols")
         m_symbols.Need();
      if(what=="deals" && cursor>0)
         m_deals.Resume(cursor);
     }
  }
//+------------------------------------------------------------------+
//| Orders taken back, then orders given                             |
//+------------------------------------------------------------------+
void CRubiSession::TakeCommands(const CRubiJsonReader &reader,const int root)
  {
   int list=reader.Find(root,"revoke");
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      m_orders.Revoke(reader.Long(node),m_journal,m_clock);
      m_worked=true;
     }
   list=reader.Find(root,"commands");
   m_guard.Batch();
   for(int node=reader.First(list); node>=0; node=reader.Next(node))
     {
      SRubiCommand command;
      m_worked=true;
      //--- while the call was away another may have taken over, or the
      //--- trader may have logged in elsewhere: its orders are not for there
      if(!m_instance.Beat() || CRubiAccount::Key()!=m_account)
         return;
      if(RubiReadCommand(reader,node,command))
         m_orders.Handle(command,m_journal,m_guard,m_clock);
     }
  }
//+------------------------------------------------------------------+
//--- how often small things are looked at, milliseconds
#define RUBI_LOOK_MS             250
#define RUBI_BACKLOG_MS          100
//--- unusable answers to the same body before something else is tried
#define RUBI_WRONG_ANSWERS       5
//+------------------------------------------------------------------+
//| Class CRubiConnector.                                            |
//| Purpose: the cycle. The network is used in OnTimer only, with    |
//|          one call per turn.                                      |
//+------------------------------------------------------------------+
class CRubiConnector : public CRubiSession
  {
private:
   bool              m_started;
   int               m_interval;
   int               m_wait;
   ulong             m_due;            // tick of the next call
   ulong             m_look;           // tick of the next look at files
   ulong             m_rebind;         // tick of the next try to bind
   int               m_failures;
   int               m_same_body;      // unusable answers to the same body

   void              Look(const ulong now);
   void              Call(void);
   void              Connect(void);
   void              Sync(void);
   bool              News(void) const;
   int               Patience(void) const;
   void              Success(void);
   void              Failure(const int status);
   void              Later(const long milliseconds);
   void              BackOff(const string reason);
   void              ShowTrading(void);

public:
                     CRubiConnector(void);
   int               Start(const CRubiSettings &settings);
   void              Stop(void);
   void              OnTimerEvent(void);
   void              OnTradeEvent(void);
   void              OnTransactionEvent(const MqlTradeTransaction &transaction);
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiConnector::CRubiConnector(void)
  {
   m_started=false;
   m_interval=5000;
   m_wait=0;
   m_due=0;
   m_look=0;
   m_rebind=0;
   m_failures=0;
   m_same_body=0;
  }
//+------------------------------------------------------------------+
//| Begin; a terminal without a connection or an account is fine     |
//+------------------------------------------------------------------+
int CRubiConnector::Start(const CRubiSettings &settings)
  {
   m_started=false;
   if(MQLInfoInteger(MQL_TESTER)!=0)
     {
      Print("Rubi: the connector does not run in the strategy tester, which has no network");
      return(INIT_FAILED);
     }
   string fault=settings.Fault();
   if(fault!="")
     {
      Alert("Rubi: "+fault);
      return(INIT_PARAMETERS_INCORRECT);
     }
   if(settings.Overheard())
      Alert("Rubi: BackendURL begins with http:// and is not this machine: others on the way can read the token. Use https://");
   MathSrand((int)(GetTickCount64()%32768));
   Equip(settings);
   EndSession();
   m_interval=settings.m_interval;
   m_wait=settings.m_wait;
   m_due=0;
   m_look=0;
   m_rebind=0;
   m_failures=0;
   m_same_body=0;
   if(!EventSetMillisecondTimer(RUBI_TIMER_MS))
     {
      Print(StringFormat("Rubi: the terminal gives no timer, error %d",GetLastError()));
      return(INIT_FAILED);
     }
   m_panel.State("Starting");
   m_started=true;
   return(INIT_SUCCEEDED);
  }
//+------------------------------------------------------------------+
//| End, without the network: OnDeinit has 2.5 seconds. All that is  |
//| not delivered is on disk or at the broker.                       |
//+------------------------------------------------------------------+
void CRubiConnector::Stop(void)
  {
   EventKillTimer();
   Unbind();
   EndSession();
   if(m_started)
      m_panel.Clear();
   m_started=false;
  }
//+------------------------------------------------------------------+
//| Something was traded: history will have it                       |
//+------------------------------------------------------------------+
void CRubiConnector::OnTradeEvent(void)
  {
   m_deals.Dirty();
   if(m_failures==0)
      m_due=0;
  }
//+------------------------------------------------------------------+
//| Transactions come in any order and may be lost, so they only say |
//| when to look                                                     |
//+------------------------------------------------------------------+
void CRubiConnector::OnTransactionEvent(const MqlTradeTransaction &transaction)
  {
   switch(transaction.type)
     {
      case TRADE_TRANSACTION_DEAL_ADD:
      case TRADE_TRANSACTION_DEAL_UPDATE:
      case TRADE_TRANSACTION_HISTORY_ADD:
      case TRADE_TRANSACTION_ORDER_ADD:
      case TRADE_TRANSACTION_ORDER_DELETE:
      case TRADE_TRANSACTION_POSITION:
         OnTradeEvent();
         break;
      default:
         break;
     }
  }
//+------------------------------------------------------------------+
//| A turn                                                           |
//+------------------------------------------------------------------+
void CRubiConnector::OnTimerEvent(void)
  {
   if(!m_started)
      return;
   ulong  now=GetTickCount64();
   string account=CRubiAccount::Key();
   if(account!=m_account || !m_instance.Beat())
     {
      //--- another account, or another chart took over: nothing of the old session holds
      if(m_account!="")
        {
         ExtLog.Info("account "+m_account+" is let go");
         Unbind();
         EndSession();
         m_rebind=0;
        }
      if(account=="")
        {
         m_panel.State("Waiting for an account to be opened in the terminal");
         return;
        }
      if(now<m_rebind)
         return;
      m_rebind=now+1000;
      if(!Bind(account))
         return;
      m_failures=0;
      m_due=0;
     }
   if(now>=m_look)
      Look(now);
   if(now>=m_due)
      Call();
  }
//+------------------------------------------------------------------+
//| Signal files and orders whose end is not known                   |
//+------------------------------------------------------------------+
void CRubiConnector::Look(const ulong now)
  {
   int before=m_journal.Unacknowledged();
   m_look=now+RUBI_LOOK_MS;
   int signals=m_inbox.Collect(m_outbox);
   m_recovery.Look(m_journal,m_clock);
   if((signals>0 || m_journal.Unacknowledged()>before) && m_failures==0)
      m_due=0;
   ShowTrading();
  }
//+------------------------------------------------------------------+
//| One call of the service                                          |
//+------------------------------------------------------------------+
void CRubiConnector::Call(void)
  {
   if(m_session=="")
      Connect();
   else
      Sync();
  }
//+------------------------------------------------------------------+
//| Begin a session                                                  |
//+------------------------------------------------------------------+
void CRubiConnector::Connect(void)
  {
   string answer="";
   string body=ConnectBody();
   int    status=m_http.Post("/api/v1/mt5/connect",body,0,answer);
   if(status!=200)
     {
      Failure(status);
      return;
     }
   if(!TakeConnect(answer))
     {
      BackOff("The address answers, but it is not the Rubi service");
      return;
     }
   Success();
   ExtLog.Info(StringFormat("connected, epoch %I64d, %s",m_epoch,m_trading_state));
   m_due=0;
  }
//+------------------------------------------------------------------+
//| Tell everything, take orders                                     |
//+------------------------------------------------------------------+
void CRubiConnector::Sync(void)
  {
   string answer="";
   ulong  begun=GetTickCount64();
   if(m_body=="")
     {
      Compose(News() ? 0 : Patience());
      m_same_body=0;
     }
   int status=m_http.Post("/api/v1/mt5/sync",m_body,m_body_wait,answer);
   if(status!=200)
     {
      Failure(status);
      return;
     }
   if(!TakeSync(answer))
     {
      //--- all that matters is kept elsewhere, so a new session is no loss
      m_same_body++;
      if(m_same_body>=RUBI_WRONG_ANSWERS)
         EndSession();
      BackOff("An answer came that belongs to no question");
      return;
     }
   Success();
   long delay=m_interval;
   if(m_poll>0 && m_poll<delay)
      delay=m_poll;
//--- counted from the beginning: where the service held the call, the next one follows it; orders come in no pause
   if(m_body_wait>0 && m_body_wait<delay)
      delay=m_body_wait;
//--- results and backlog do not wait for the next poll
   if(m_deals.Backlog() && delay>RUBI_BACKLOG_MS)
      delay=RUBI_BACKLOG_MS;
   if(m_worked || (m_wait>0 && m_body_wait==0 && !News()))
      delay=0;
   m_due=begun+(ulong)delay;
  }
//+------------------------------------------------------------------+
//| Whether there is something to tell that no held call is to delay |
//+------------------------------------------------------------------+
bool CRubiConnector::News(void) const
  {
   return(m_journal.Unacknowledged()>0 || m_outbox.Count()>0 || m_deals.Waiting());
  }
//+------------------------------------------------------------------+
//| How long the service may hold a call: after an order not so long,|
//| its deals are still to come                                      |
//+------------------------------------------------------------------+
int CRubiConnector::Patience(void) const
  {
   return(m_poll>0 && m_poll<m_wait ? (int)m_poll : m_wait);
  }
//+------------------------------------------------------------------+
//| The service answered                                             |
//+------------------------------------------------------------------+
void CRubiConnector::Success(void)
  {
   m_failures=0;
   m_same_body=0;
   if(m_strip>0 && m_suspects==0)
      m_strip--;
   m_panel.State("Connected, "+m_trading_state+(m_books_fit ? "" : ", but there are too many positions to tell"));
   m_panel.Work(StringFormat("%d orders sent, %d reports and %d signals waiting",m_orders.Executed(),
                             m_journal.Unacknowledged(),m_outbox.Count()));
  }
//+------------------------------------------------------------------+
//| The service did not do it. An error means that nothing was done, |
//| no answer means that it is not known: then the same bytes again. |
//+------------------------------------------------------------------+
void CRubiConnector::Failure(const int status)
  {
   bool in_session=(m_session!="");
   switch(status)
     {
      case RUBI_HTTP_NOT_ALLOWED:
         BackOff("Error 4014: add the BackendURL to Tools > Options > Expert Advisors > Allow WebRequest");
         Later(10000);
         return;
      case RUBI_HTTP_NO_ANSWER:
         BackOff(StringFormat("No answer from the service (%d, error %d)",m_http.Status(),m_http.Error()));
         return;
      case 401:
      case 403:
         BackOff(StringFormat("%d: the APIToken is not valid or not for this account",status));
         Later(RUBI_BACKOFF_LAST_MS);
         return;
      case 404:
      case 409:
         EndSession();
         BackOff(in_session ? "The session has ended, connecting again" : "404 or 409: is the BackendURL right?");
         return;
      case 400:
      case 413:
      case 422:
         if(in_session)
            Discard(true);
         BackOff(StringFormat("%d: the service did not take the message",status));
         return;
      case 423:
         EndSession();
         BackOff("423: another terminal works for this account");
         Later(5000);
         return;
      case 429:
      case 503:
         BackOff(StringFormat("%d: the service is busy",status));
         if(m_http.RetryAfterMs()>0)
            Later(m_http.RetryAfterMs());
         return;
      default:
         m_same_body++;
         if(in_session && m_same_body>=RUBI_WRONG_ANSWERS && status>=500)
           {
            Discard(false);
            m_same_body=0;
           }
         BackOff(StringFormat("%d from the service",status));
         return;
     }
  }
//+------------------------------------------------------------------+
//| The next call, milliseconds from now                             |
//+------------------------------------------------------------------+
void CRubiConnector::Later(const long milliseconds)
  {
   m_due=GetTickCount64()+(ulong)milliseconds;
  }
//+------------------------------------------------------------------+
//| Wait longer after each failure, not all terminals at once        |
//+------------------------------------------------------------------+
void CRubiConnector::BackOff(const string reason)
  {
   long delay=RUBI_BACKOFF_FIRST_MS;
   for(int i=0; i<m_failures && delay<RUBI_BACKOFF_LAST_MS; i++)
      delay*=2;
   if(delay>RUBI_BACKOFF_LAST_MS)
      delay=RUBI_BACKOFF_LAST_MS;
   m_failures++;
   Later(delay/2+delay*MathRand()/65534);
   m_panel.State(reason);
   ExtLog.Error(reason);
  }
//+------------------------------------------------------------------+
//| Why it does or does not trade, for the chart                     |
//+------------------------------------------------------------------+
void CRubiConnector::ShowTrading(void)
  {
   string block=CRubiAccount::TradeBlock();
   string text="Trading";
   if(!m_guard.Trading())
      text="Not trading: EnableAutoTrading is false";
   else
      if(CRubiAccount::Real() && m_guard.DemoOnly())
         text="Not trading: a real account, and DemoOnly is true";
      else
         if(block!="")
            text="Not trading: "+block;
   m_panel.Trading(text);
  }
//+------------------------------------------------------------------+

input group "Service"
input string          BackendURL="https://api.rubi-studio.com"; // Address of the service
input string          APIToken="";                // EA token of the service
input string          HmacSecret="";              // Secret that signs requests (optional)
input int             CheckInterval=5000;         // Longest pause between calls, ms
input int             RequestTimeout=3000;        // Time-out of a call, ms (500..3000)
input int             LongPollMs=1000;            // The service may hold a call, ms (0..1500)
input group "Trading"
input bool            EnableAutoTrading=true;     // Execute orders of the service
input double          MaxRiskPercent=2.0;         // Most that a stop may lose, % of equity
input int             MaxOpenPositions=5;         // Most positions on the account
input double          MaxLot=10.0;                // Most lots of one order
input int             MaxOrdersPerMinute=30;      // Most orders in a minute (closes are free)
input bool            DemoOnly=true;              // Never trade a real account
input bool            DryRun=false;               // Check everything, send nothing
input bool            RequireStopLoss=true;       // Refuse to open without a stop
input int             Deviation=20;               // Slippage when the service names none, points
input int             MaxQuoteAge=60;             // Oldest quote to open on, s
input long            MagicNumber=20251023;       // Magic when the service names none
input group "Data"
input string          Symbols="";                 // Symbols to watch (empty: Market Watch)
input bool            SendTicks=true;             // Send ticks
input bool            SendBars=true;              // Send closed bars
input string          BarsTimeframes="M1,H1,D1";  // Timeframes of the bars
input int             HistoryDays=90;             // Days of history for a new service
input ENUM_RUBI_LOG   LogLevel=RUBI_LOG_INFO;     // What goes to the Experts tab

CRubiConnector        ExtConnector;
//+------------------------------------------------------------------+
//| Expert initialization function                                   |
//+------------------------------------------------------------------+
int OnInit(void)
  {
   CRubiSettings settings;
   ExtLog.Level(LogLevel);
   settings.Service(BackendURL,APIToken,HmacSecret,CheckInterval,RequestTimeout,LongPollMs);
   settings.Limits(EnableAutoTrading,MaxRiskPercent,MaxOpenPositions,MaxLot,MaxOrdersPerMinute);
   settings.Habits(DemoOnly,DryRun,RequireStopLoss,Deviation,MaxQuoteAge,MagicNumber);
   settings.Data(Symbols,SendTicks,SendBars,BarsTimeframes,HistoryDays);
   return(ExtConnector.Start(settings));
  }
//+------------------------------------------------------------------+
//| Expert deinitialization function                                 |
//+------------------------------------------------------------------+
void OnDeinit(const int reason)
  {
   ExtConnector.Stop();
  }
//+------------------------------------------------------------------+
//| Timer function                                                   |
//+------------------------------------------------------------------+
void OnTimer(void)
  {
   ExtConnector.OnTimerEvent();
  }
//+------------------------------------------------------------------+
//| Trade function                                                   |
//+------------------------------------------------------------------+
void OnTrade(void)
  {
   ExtConnector.OnTradeEvent();
  }
//+------------------------------------------------------------------+
//| TradeTransaction function                                        |
//+------------------------------------------------------------------+
void OnTradeTransaction(const MqlTradeTransaction &trans,
                        const MqlTradeRequest &request,
                        const MqlTradeResult &result)
  {
   ExtConnector.OnTransactionEvent(trans);
  }
//+------------------------------------------------------------------+
