// reject: translate: 'std' is a word of C
void OnTick(void)
  {
   int n=std::max(1,2);
   Print(n);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
