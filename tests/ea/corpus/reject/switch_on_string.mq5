// reject: compile: switch quantity not an integer
void OnTick(void)
  {
   string s="a";
   switch(s)
     {
      default:
         Print("x");
     }
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
