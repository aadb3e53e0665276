// reject: translate: more than one dimension
int grid[3][4];
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
