// reject: translate: passed by reference only
struct SPoint
  {
   int x;
   string name;
  };
void f(SPoint p) { Print(p.x); }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
