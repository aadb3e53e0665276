// reject: compile: break statement not within
void OnTick(void)
  {
   break;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
