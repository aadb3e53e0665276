// reject: compile: ZeroMemory takes simple types
class CFoo
  {
private:
   int m_x;
public:
   CFoo(void) { m_x=1; }
  };
void OnTick(void)
  {
   CFoo foo;
   ZeroMemory(foo);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
