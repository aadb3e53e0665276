//+------------------------------------------------------------------+
//|                                                 JournalEntry.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_JOURNAL_ENTRY_MQH
#define RUBI_JOURNAL_ENTRY_MQH
#include "Defines.mqh"
#include "JsonReader.mqh"
#include "JsonWriter.mqh"
//+------------------------------------------------------------------+
//| All that the journal knows of one order                          |
//+------------------------------------------------------------------+
struct SRubiEntry
  {
   long              order_id;
   ENUM_RUBI_PHASE   phase;
   string            lease_id;
   string            code;             // why it was refused
   //--- what was to be done
   string            kind;
   string            symbol;
   string            side;
   string            order_type;
   double            volume;
   double            price;
   double            sl;
   double            tp;
   ulong             magic;
   string            comment;
   ulong             position_ticket;
   ulong             order_ticket;
   long              intent_at;        // unix seconds
   long              intent_server;    // seconds, broker wall clock
   int               attempts;
   //--- what came of it
   int               n;                // number of the newest report
   SRubiReport       report;
   string            report_at;
   bool              unsettled;        // the broker may still show it
   //--- what the service knows of it
   bool              ack_done;
   int               acked_n;
   bool              forgotten;
   bool              doubtful;         // lines of the journal were lost after it began
   //--- since this start only
   bool              duplicate;
   ulong             looked;           // tick of the last search
  };
//+------------------------------------------------------------------+
//| A new entry                                                      |
//+------------------------------------------------------------------+
void RubiEntryClear(SRubiEntry &entry,const long order_id)
  {
   entry.order_id=order_id;
   entry.phase=RUBI_PHASE_INTENT;
   entry.lease_id="";
   entry.code="";
   entry.kind="";
   entry.symbol="";
   entry.side="";
   entry.order_type="";
   entry.volume=0.0;
   entry.price=0.0;
   entry.sl=0.0;
   entry.tp=0.0;
   entry.magic=0;
   entry.comment="";
   entry.position_ticket=0;
   entry.order_ticket=0;
   entry.intent_at=0;
   entry.intent_server=0;
   entry.attempts=0;
   entry.n=0;
   RubiReportClear(entry.report,"");
   entry.report_at="";
   entry.unsettled=false;
   entry.ack_done=true;
   entry.acked_n=0;
   entry.forgotten=false;
   entry.doubtful=false;
   entry.duplicate=false;
   entry.looked=0;
  }
//+------------------------------------------------------------------+
//| Write what is to be done                                         |
//+------------------------------------------------------------------+
void RubiWriteIntent(CRubiJsonWriter &writer,const SRubiCommand &command,const long now,const long server)
  {
   writer.PutText("lease",command.lease_id);
   writer.PutText("kind",command.kind);
   writer.PutText("symbol",command.symbol);
   writer.PutText("side",command.side);
   writer.PutText("type",command.order_type);
   writer.PutNumber("volume",command.volume);
   writer.PutNumber("price",command.price);
   writer.PutNumber("sl",command.sl);
   writer.PutNumber("tp",command.tp);
   writer.PutTicket("magic",command.magic);
   writer.PutText("comment",command.comment);
   writer.PutTicket("position",command.position_ticket);
   writer.PutTicket("order",command.order_ticket);
   writer.PutLong("at",now);
   writer.PutLong("server",server);
  }
//+------------------------------------------------------------------+
//| Read it back                                                     |
//+------------------------------------------------------------------+
void RubiReadIntent(const CRubiJsonReader &reader,const int node,SRubiEntry &entry)
  {
   entry.phase=RUBI_PHASE_INTENT;
   entry.lease_id=reader.TextOf(node,"lease");
   entry.kind=reader.TextOf(node,"kind");
   entry.symbol=reader.TextOf(node,"symbol");
   entry.side=reader.TextOf(node,"side");
   entry.order_type=reader.TextOf(node,"type");
   entry.volume=reader.NumberOf(node,"volume");
   entry.price=reader.NumberOf(node,"price");
   entry.sl=reader.NumberOf(node,"sl");
   entry.tp=reader.NumberOf(node,"tp");
   entry.magic=reader.Ticket(reader.Find(node,"magic"));
   entry.comment=reader.TextOf(node,"comment");
   entry.position_ticket=reader.Ticket(reader.Find(node,"position"));
   entry.order_ticket=reader.Ticket(reader.Find(node,"order"));
   entry.intent_at=reader.LongOf(node,"at");
   entry.intent_server=reader.LongOf(node,"server");
   entry.ack_done=false;
  }
//+------------------------------------------------------------------+
//| Write a report, in the journal and on the wire alike             |
//+------------------------------------------------------------------+
void RubiWriteReport(CRubiJsonWriter &writer,const int n,const SRubiReport &report,const string at)
  {
   writer.PutLong("n",n);
   writer.PutText("outcome",report.outcome);
   writer.PutLong("retcode",(long)report.retcode);
   writer.PutTicketOrNull("order_ticket",report.order_ticket);
   writer.PutTicketOrNull("deal_ticket",report.deal_ticket);
   writer.PutTicketOrNull("position_id",(ulong)report.position_id);
   writer.PutPositive("price",report.price);
   writer.PutPositive("volume",report.volume);
   writer.PutText("message",report.message);
   writer.PutText("at",at);
  }
//+------------------------------------------------------------------+
//| Read it back                                                     |
//+------------------------------------------------------------------+
void RubiReadReport(const CRubiJsonReader &reader,const int node,SRubiEntry &entry)
  {
   entry.phase=RUBI_PHASE_RESULT;
   entry.n=(int)reader.LongOf(node,"n");
   entry.report.outcome=reader.TextOf(node,"outcome");
   entry.report.retcode=(uint)reader.LongOf(node,"retcode");
   entry.report.order_ticket=reader.Ticket(reader.Find(node,"order_ticket"));
   entry.report.deal_ticket=reader.Ticket(reader.Find(node,"deal_ticket"));
   entry.report.position_id=reader.LongOf(node,"position_id");
   entry.report.price=reader.NumberOf(node,"price");
   entry.report.volume=reader.NumberOf(node,"volume");
   entry.report.message=reader.TextOf(node,"message");
   entry.report_at=reader.TextOf(node,"at");
   entry.unsettled=reader.Flag(reader.Find(node,"unsettled"));
  }
#endif
//+------------------------------------------------------------------+
