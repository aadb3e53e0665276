// reject: translate: designated initialisers
struct SPoint
  {
   int x;
   string name;
  };
void OnTick(void)
  {
   SPoint p={.x=1};
   Print(p.x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
