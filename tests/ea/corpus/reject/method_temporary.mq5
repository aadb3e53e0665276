// reject: compile: use of deleted function
class CFoo
  {
public:
   void Tell(const string &text) const { Print(text); }
  };
CFoo foo;
void OnTick(void)
  {
   foo.Tell("x");
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
