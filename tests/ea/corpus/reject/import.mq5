// reject: translate: #import is outside
#import "kernel32.dll"
int GetTickCount();
#import
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
