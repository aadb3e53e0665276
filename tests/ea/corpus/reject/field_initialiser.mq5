// reject: translate: cannot be initialised here
struct SPoint
  {
   int x=5;
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
