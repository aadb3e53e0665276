// reject: translate: not a directive of MQL5
#pragma once
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
