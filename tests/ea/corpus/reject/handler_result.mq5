// reject: translate: OnInit must return
string OnInit(void)
  {
   return("");
  }
