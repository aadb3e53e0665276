// reject: translate: pointers are outside
class CFoo
  {
  };
CFoo *foo;
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
