// reject: translate: simple type or an enum
struct SPoint
  {
   int x;
   string name;
  };
input SPoint InpX={};
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
