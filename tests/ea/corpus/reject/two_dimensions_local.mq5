// reject: translate: more than one dimension|';' or '='
void OnTick(void)
  {
   int grid[3][4];
   grid[0][0]=1;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
