// reject: translate: operators of one
struct SNumber
  {
   int x;
   bool operator==(const SNumber &other) const { return(x==other.x); }
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
