// reject: translate: defined twice
#define LIMIT 1
#define LIMIT 2
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
