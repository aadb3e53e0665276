// reject: translate: #resource is outside
#resource "\\Images\\a.bmp"
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
