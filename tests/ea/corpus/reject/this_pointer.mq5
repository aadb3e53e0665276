// reject: translate: 'this' may only stand before a dot
class CFoo
  {
public:
   void Tell(void) { Print(this); }
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
