#property copyright "x"
#define NAME "rubi"
#define LIMIT 3
#define ADD(a,b) ((a)+(b))
#ifdef __MQL5__
#define PLATFORM "mql5"
#else
#define PLATFORM "other"
#endif
#ifndef NEVER
int ExtCount=ADD(LIMIT,ADD(1,2));
#endif
int OnInit(void)
  {
   return(ExtCount==6 && PLATFORM=="mql5" && __LINE__>0 && NAME+"x"=="rubix" ? INIT_SUCCEEDED : INIT_FAILED);
  }
