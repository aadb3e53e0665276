//+------------------------------------------------------------------+
//|                                                    Positions.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_POSITIONS_MQH
#define RUBI_POSITIONS_MQH
#include "JsonWriter.mqh"
//+------------------------------------------------------------------+
//| Class CRubiPositions.                                            |
//| Purpose: the whole lists of positions and of working orders.     |
//+------------------------------------------------------------------+
class CRubiPositions
  {
private:
   long              m_ids[];
   double            m_volumes[];
   double            m_costs[];
   int               m_count;

   bool              Cost(const long position_id,const double volume,double &cost);

public:
                     CRubiPositions(void);
   void              Reset(void);
   void              WritePositions(CRubiJsonWriter &writer);
   void              WriteOrders(CRubiJsonWriter &writer) const;
  };
//+------------------------------------------------------------------+
//| Constructor                                                      |
//+------------------------------------------------------------------+
CRubiPositions::CRubiPositions(void)
  {
   m_count=0;
  }
//+------------------------------------------------------------------+
//| Another account                                                  |
//+------------------------------------------------------------------+
void CRubiPositions::Reset(void)
  {
   m_count=0;
  }
//+------------------------------------------------------------------+
//| Commission and fees of a position so far, out of its deals; they |
//| only change with its volume                                      |
//+------------------------------------------------------------------+
bool CRubiPositions::Cost(const long position_id,const double volume,double &cost)
  {
   int index=-1;
   for(int i=0; i<m_count; i++)
     {
      if(m_ids[i]==position_id)
         index=i;
     }
   if(index>=0 && MathAbs(m_volumes[index]-volume)<0.00000001)
     {
      cost=m_costs[index];
      return(true);
     }
   if(!HistorySelectByPosition(position_id))
      return(false);
   int total=HistoryDealsTotal();
   cost=0.0;
   for(int i=0; i<total; i++)
     {
      ulong deal=HistoryDealGetTicket(i);
      if(deal>0)
         cost+=HistoryDealGetDouble(deal,DEAL_COMMISSION)+HistoryDealGetDouble(deal,DEAL_FEE);
     }
//--- the first deal may not have come yet: ask again next time
   if(total==0)
      return(false);
   if(index<0)
     {
      index=m_count;
      m_count++;
      ArrayResize(m_ids,m_count,64);
      ArrayResize(m_volumes,m_count,64);
      ArrayResize(m_costs,m_count,64);
     }
   m_ids[index]=position_id;
   m_volumes[index]=volume;
   m_costs[index]=cost;
   return(true);
  }
//+------------------------------------------------------------------+
//| Every position of the account, ours or not                       |
//+------------------------------------------------------------------+
void CRubiPositions::WritePositions(CRubiJsonWriter &writer)
  {
   int total=PositionsTotal();
//--- closed positions need not be remembered for ever
   if(m_count>total+500)
      m_count=0;
   writer.OpenList("positions");
   for(int i=0; i<total; i++)
     {
      ulong ticket=PositionGetTicket(i);
      if(ticket==0)
         continue;
      long   position_id=PositionGetInteger(POSITION_IDENTIFIER);
      double volume=PositionGetDouble(POSITION_VOLUME);
      string type=EnumToString((ENUM_POSITION_TYPE)PositionGetInteger(POSITION_TYPE));
      writer.OpenObject("");
      writer.PutTicket("ticket",ticket);
      writer.PutTicket("position_id",(ulong)position_id);
      writer.PutText("symbol",PositionGetString(POSITION_SYMBOL));
      writer.PutText("type",RubiName(type,"POSITION_TYPE_"));
      writer.PutNumber("volume",volume);
      writer.PutNumber("open_price",PositionGetDouble(POSITION_PRICE_OPEN));
      writer.PutNumber("current_price",PositionGetDouble(POSITION_PRICE_CURRENT));
      writer.PutNumber("sl",PositionGetDouble(POSITION_SL));
      writer.PutNumber("tp",PositionGetDouble(POSITION_TP));
      writer.PutNumber("profit",PositionGetDouble(POSITION_PROFIT));
      writer.PutNumber("swap",PositionGetDouble(POSITION_SWAP));
      double cost=0.0;
      if(Cost(position_id,volume,cost))
         writer.PutNumber("commission",cost);
      writer.PutTicket("magic",(ulong)PositionGetInteger(POSITION_MAGIC));
      writer.PutText("comment",PositionGetString(POSITION_COMMENT));
      writer.PutLong("open_time_msc",PositionGetInteger(POSITION_TIME_MSC));
      writer.CloseObject();
     }
   writer.CloseList();
  }
//+------------------------------------------------------------------+
//| Every working order of the account                               |
//+------------------------------------------------------------------+
void CRubiPositions::WriteOrders(CRubiJsonWriter &writer) const
  {
   int total=OrdersTotal();
   writer.OpenList("orders");
   for(int i=0; i<total; i++)
     {
      ulong ticket=OrderGetTicket(i);
      if(ticket==0)
         continue;
      string type=EnumToString((ENUM_ORDER_TYPE)OrderGetInteger(ORDER_TYPE));
      string state=EnumToString((ENUM_ORDER_STATE)OrderGetInteger(ORDER_STATE));
      string type_time=EnumToString((ENUM_ORDER_TYPE_TIME)OrderGetInteger(ORDER_TYPE_TIME));
      writer.OpenObject("");
      writer.PutTicket("ticket",ticket);
      writer.PutText("symbol",OrderGetString(ORDER_SYMBOL));
      writer.PutText("type",RubiName(type,"ORDER_TYPE_"));
      writer.PutNumber("volume_initial",OrderGetDouble(ORDER_VOLUME_INITIAL));
      writer.PutNumber("volume_current",OrderGetDouble(ORDER_VOLUME_CURRENT));
      writer.PutNumber("price_open",OrderGetDouble(ORDER_PRICE_OPEN));
      writer.PutNumber("stop_limit",OrderGetDouble(ORDER_PRICE_STOPLIMIT));
      writer.PutNumber("sl",OrderGetDouble(ORDER_SL));
      writer.PutNumber("tp",OrderGetDouble(ORDER_TP));
      writer.PutText("state",RubiName(state,"ORDER_STATE_"));
      writer.PutText("type_time",RubiName(type_time,"ORDER_TIME_"));
      writer.PutLong("expiration",OrderGetInteger(ORDER_TIME_EXPIRATION));
      writer.PutTicket("magic",(ulong)OrderGetInteger(ORDER_MAGIC));
      writer.PutText("comment",OrderGetString(ORDER_COMMENT));
      writer.PutLong("time_setup_msc",OrderGetInteger(ORDER_TIME_SETUP_MSC));
      writer.PutTicket("position_id",(ulong)OrderGetInteger(ORDER_POSITION_ID));
      writer.CloseObject();
     }
   writer.CloseList();
  }
#endif
//+------------------------------------------------------------------+
