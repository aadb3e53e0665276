// reject: translate: unions are outside
union UBoth
  {
   int a;
   float b;
  };
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
