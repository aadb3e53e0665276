// reject: translate: has no members
enum EMood
  {
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
