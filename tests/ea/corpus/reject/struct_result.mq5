// reject: translate: returns a struct
struct SPoint
  {
   int x;
   string name;
  };
SPoint f(void)
  {
   SPoint p;
   p.x=1;
   return(p);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
