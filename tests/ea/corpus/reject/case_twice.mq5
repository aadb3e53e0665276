// reject: compile: duplicate case value
void OnTick(void)
  {
   int x=1;
   switch(x)
     {
      case 1:
         Print("a");
         break;
      case 1:
         Print("b");
         break;
     }
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
