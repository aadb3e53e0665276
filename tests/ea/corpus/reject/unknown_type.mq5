// reject: translate: unknown type 'CNobody'
CNobody ExtNobody;
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
