// reject: compile: has no member named
class CFoo
  {
public:
   int m_x;
  };
void OnTick(void)
  {
   CFoo foo;
   foo.OnTick();
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
