// reject: translate: is not a class of this program
void CNobody::Tell(void)
  {
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
