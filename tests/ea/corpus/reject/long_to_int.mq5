// reject: compile: conversion from .long int. to .int.
void OnTick(void)
  {
   long l=TimeGMT();
   int x=l;
   Print(x);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
