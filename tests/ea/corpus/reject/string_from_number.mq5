// reject: compile: conversion|no viable
void OnTick(void)
  {
   string s=5;
   Print(s);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
