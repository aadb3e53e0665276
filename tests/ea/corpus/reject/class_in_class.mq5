// reject: translate: inside of .CFoo. is outside
class CFoo
  {
   class CBar
     {
     };
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
