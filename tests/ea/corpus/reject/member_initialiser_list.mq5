// reject: translate: member initialisers are outside
class CFoo
  {
private:
   int m_x;
public:
   CFoo(void) : m_x(0) { }
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
