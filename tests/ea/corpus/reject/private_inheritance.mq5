// reject: translate: only public inheritance
class CA
  {
  };
class CC : private CA
  {
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
