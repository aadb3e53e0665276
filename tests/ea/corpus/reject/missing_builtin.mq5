// reject: translate: built-in of MQL5 that this host does not implement
void OnTick(void)
  {
   int s=SocketCreate();
   Print(s);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
