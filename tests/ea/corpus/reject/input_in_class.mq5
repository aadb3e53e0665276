// reject: translate: does not belong into a class
class CFoo
  {
   input int m_x;
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
