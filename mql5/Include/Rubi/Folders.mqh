//+------------------------------------------------------------------+
//|                                                      Folders.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_FOLDERS_MQH
#define RUBI_FOLDERS_MQH
//+------------------------------------------------------------------+
//| Make a folder and every folder above it                          |
//+------------------------------------------------------------------+
void RubiMakeFolder(const string path,const int common)
  {
   int size=StringLen(path);
   for(int i=1; i<size; i++)
     {
      if(StringGetCharacter(path,i)=='/')
         FolderCreate(StringSubstr(path,0,i),common);
     }
   FolderCreate(path,common);
  }
#endif
//+------------------------------------------------------------------+
