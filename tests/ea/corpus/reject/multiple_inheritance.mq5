// reject: translate: no multiple inheritance
class CA
  {
  };
class CB
  {
  };
class CC : public CA,public CB
  {
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
