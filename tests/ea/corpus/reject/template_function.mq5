// reject: translate: templates are outside
template<typename T>
T twice(T x) { return(x+x); }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
