// reject: compile: conversion from .long int. to .double.
void OnTick(void)
  {
   long l=(long)TimeGMT();
   double x=l;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
