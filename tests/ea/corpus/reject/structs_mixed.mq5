// reject: compile: conversion|cannot convert|no match
struct SPoint
  {
   int x;
   string name;
  };
struct SOther
  {
   int x;
  };
void OnTick(void)
  {
   SOther o;
   o.x=1;
   SPoint p;
   p=o;
   Print(p.x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
