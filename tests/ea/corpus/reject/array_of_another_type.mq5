// reject: compile: invalid initialization
void fill(double &a[]) { ArrayResize(a,1); }
void OnTick(void)
  {
   int a[];
   fill(a);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
