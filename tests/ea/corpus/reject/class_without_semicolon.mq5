// reject: translate: ';' is missing after
class CFoo
  {
   int m_x;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
