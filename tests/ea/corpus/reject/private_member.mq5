// reject: compile: is private
class CFoo
  {
private:
   int m_x;
  };
void OnTick(void)
  {
   CFoo foo;
   foo.m_x=1;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
