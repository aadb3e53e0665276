//+------------------------------------------------------------------+
//|                                                     Retcodes.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_RETCODES_MQH
#define RUBI_RETCODES_MQH
#include "Defines.mqh"
//+------------------------------------------------------------------+
//| What a retcode asks for                                          |
//+------------------------------------------------------------------+
ENUM_RUBI_VERDICT RubiVerdict(const uint retcode)
  {
   switch(retcode)
     {
      case TRADE_RETCODE_PLACED:
      case TRADE_RETCODE_DONE:
      case TRADE_RETCODE_DONE_PARTIAL:
      case TRADE_RETCODE_NO_CHANGES:
      case TRADE_RETCODE_POSITION_CLOSED:
         return(RUBI_VERDICT_DONE);
      case TRADE_RETCODE_REQUOTE:
      case TRADE_RETCODE_PRICE_CHANGED:
      case TRADE_RETCODE_PRICE_OFF:
         return(RUBI_VERDICT_REPRICE);
      case TRADE_RETCODE_ORDER_CHANGED:
      case TRADE_RETCODE_TOO_MANY_REQUESTS:
      case TRADE_RETCODE_LOCKED:
      case TRADE_RETCODE_FROZEN:
         return(RUBI_VERDICT_WAIT);
      case TRADE_RETCODE_INVALID_FILL:
         return(RUBI_VERDICT_FILLING);
      case 0:
      case TRADE_RETCODE_ERROR:
      case TRADE_RETCODE_TIMEOUT:
      case TRADE_RETCODE_CONNECTION:
         return(RUBI_VERDICT_UNKNOWN);
      default:
         return(RUBI_VERDICT_REJECTED);
     }
  }
#endif
//+------------------------------------------------------------------+
