// reject: compile: conversion from .double. to .int.
void OnTick(void)
  {
   double d=1.5;
   int x=d;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
