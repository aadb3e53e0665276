// reject: translate: pointers are outside
void OnTick(void)
  {
   int *p;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
