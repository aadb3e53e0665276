// reject: compile: read-only object
class CFoo
  {
private:
   int m_x;
public:
   void Set(void) const { m_x=1; }
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
