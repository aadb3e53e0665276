#property copyright "x"
#property version "1.00"
#define LIMIT 3
#define TWICE(x) ((x)*2)
enum ENUM_MOOD { MOOD_GOOD, MOOD_BAD=5 };
input group "General"
input string InpUrl="http://127.0.0.1:1"; // url
input int InpN=4;
input ENUM_MOOD InpMood=MOOD_GOOD;
struct SPoint { int x; string name; double v[3]; };
class CFoo
  {
private:
   int m_items[];
   string m_name;
   SPoint m_points[];
public:
   CFoo(void) { m_name="foo"; }
   ~CFoo(void) {}
   void Add(const int x);
   int Total(void) const { return(ArraySize(m_items)); }
   bool Take(const string &text, string &out) { out=text+"!"; return(true); }
   int Sum(const int &a[]) { int s=0; for(int i=0; i<ArraySize(a); i++) s+=a[i]; return(s); }
  };
void CFoo::Add(const int x)
  {
   int n=ArraySize(m_items);
   ArrayResize(m_items,n+1);
   m_items[n]=x;
   SPoint p={};
   p.name=__FUNCTION__;
   this.m_name+=p.name;
   ArrayResize(m_points,n+1);
   m_points[n]=p;
  }
CFoo ExtFoo;
const string NAMES[]={"a","bé"};
int OnInit(void)
  {
   EventSetMillisecondTimer(100);
   for(int i=0; i<LIMIT; i++)
      ExtFoo.Add(TWICE(i));
   string out,in="hi";
   ExtFoo.Take(in,out);
   int a[]={1,2,3};
   Print(out," ",ExtFoo.Total()," ",ExtFoo.Sum(a)," ",EnumToString(InpMood)," ",NAMES[1]," ",InpN);
   Print(StringFormat("%d %s %I64u %.2f",5,"x",(ulong)7,1.5));
   datetime d=D'2025.01.02 03:04';
   Print(d," ",(string)3.5," ",helper(2));
   ushort c='a';
   if(c=='a' && _Symbol!=NULL)
      Print("ok ",_Symbol);
   return(INIT_SUCCEEDED);
  }
int helper(const int x,const int y=4) { return(x*y); }
void OnDeinit(const int reason) { EventKillTimer(); }
void OnTimer() { static int n=0; n++; Print("timer ",n); }
void OnTradeTransaction(const MqlTradeTransaction &trans,const MqlTradeRequest &request,const MqlTradeResult &result)
  {
   Print(EnumToString(trans.type)," ",trans.order);
  }
