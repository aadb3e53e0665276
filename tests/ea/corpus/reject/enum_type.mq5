// reject: translate: no underlying type
enum EMood : int
  {
   GOOD
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
