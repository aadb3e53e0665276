//+------------------------------------------------------------------+
//|                                                      Defines.mqh |
//|                                     Copyright 2025, Rubi Studio. |
//|                                     https://www.rubi-studio.com/ |
//+------------------------------------------------------------------+
#ifndef RUBI_DEFINES_MQH
#define RUBI_DEFINES_MQH
//--- what this EA is
#define RUBI_VERSION             "3.10"
#define RUBI_PROTOCOL            2
#define RUBI_FOLDER              "Rubi"
#define RUBI_SIGNAL_FOLDER       "Rubi/signals"
//--- times, milliseconds unless named otherwise
#define RUBI_TIMER_MS            50
#define RUBI_WAIT_MAX_MS         1500
#define RUBI_TIMEOUT_MIN_MS      500
#define RUBI_TIMEOUT_MAX_MS      3000
#define RUBI_BACKOFF_FIRST_MS    1000
#define RUBI_BACKOFF_LAST_MS     60000
#define RUBI_LOCK_STALE_MS       2500
#define RUBI_LOCK_BEAT_MS        1000
#define RUBI_GRACE_MS            5000
#define RUBI_UNSETTLED_MS        60000
#define RUBI_HISTORY_MS          30000
#define RUBI_SPECS_MS            10000
#define RUBI_DAY_SECONDS         86400
//--- sizes
#define RUBI_BODY_BYTES          240000
#define RUBI_DEALS_PER_SYNC      100
#define RUBI_ORDERS_PER_SYNC     100
#define RUBI_SPECS_PER_SYNC      40
#define RUBI_SIGNALS_PER_SYNC    20
#define RUBI_TICKS_PER_SYMBOL    40
#define RUBI_TICKS_PER_SYNC      200
#define RUBI_BARS_PER_SYNC       200
#define RUBI_BARS_FIRST          101
#define RUBI_MINUTES_FIRST       120
#define RUBI_BARS_BACK           5000
#define RUBI_WATCH_MAX           200
#define RUBI_SIGNAL_CHARS        8000
#define RUBI_KEY_LETTERS         128
#define RUBI_NUMBER_LETTERS      40
#define RUBI_NUMBER_MAX          1e15
#define RUBI_SIGNALS_LETTERS     40000
#define RUBI_KEEP_SECONDS        2592000
#define RUBI_COMPACT_BYTES       1000000
//--- trade retries inside one command
#define RUBI_PRICE_RETRIES       2
#define RUBI_WAIT_RETRIES        3
#define RUBI_RETRY_SLEEP_MS      300
//--- a symbol that was not in Market Watch needs a moment
#define RUBI_SYMBOL_TRIES        10
#define RUBI_SYMBOL_SLEEP_MS     100
//+------------------------------------------------------------------+
//| How much of an order's life the journal has seen                 |
//+------------------------------------------------------------------+
enum ENUM_RUBI_PHASE
  {
   RUBI_PHASE_INTENT,      // will be sent
   RUBI_PHASE_SENDING,     // OrderSend is being called
   RUBI_PHASE_RESULT,      // the end, or what is known of it
   RUBI_PHASE_REFUSED      // a guard said no, nothing was sent
  };
//+------------------------------------------------------------------+
//| What is to be done after a retcode                               |
//+------------------------------------------------------------------+
enum ENUM_RUBI_VERDICT
  {
   RUBI_VERDICT_DONE,      // done, placed or partly done
   RUBI_VERDICT_REPRICE,   // again with a fresh price
   RUBI_VERDICT_WAIT,      // again after a short wait
   RUBI_VERDICT_FILLING,   // again with another filling mode
   RUBI_VERDICT_UNKNOWN,   // the broker may or may not have it
   RUBI_VERDICT_REJECTED   // the broker said no
  };
//+------------------------------------------------------------------+
//| One instruction of the service                                   |
//+------------------------------------------------------------------+
struct SRubiCommand
  {
   long              order_id;
   string            lease_id;
   long              not_after;        // unix seconds, 0 for never
   long              lease_expires;    // unix seconds, 0 for never
   string            kind;
   string            symbol;
   string            side;
   string            order_type;
   double            volume;
   double            price;
   double            stop_limit;
   double            sl;
   double            tp;
   bool              has_sl;
   bool              has_tp;
   int               deviation;
   string            filling;
   string            type_time;
   long              expiration;       // seconds, broker wall clock
   ulong             magic;
   string            comment;
   ulong             position_ticket;
   ulong             order_ticket;
   double            max_spread;       // points, 0 for any
   double            band_low;
   double            band_high;
   bool              reduce_only;
   double            expect_volume;    // lots, 0 for any
   string            sha256;
   string            signed_text;      // what the sha256 covers
  };
//+------------------------------------------------------------------+
//| What is known of the end of an order                             |
//+------------------------------------------------------------------+
struct SRubiReport
  {
   string            outcome;
   uint              retcode;
   ulong             order_ticket;
   ulong             deal_ticket;
   long              position_id;
   double            price;
   double            volume;
   string            message;
  };
//+------------------------------------------------------------------+
//| An empty report of one outcome                                   |
//+------------------------------------------------------------------+
void RubiReportClear(SRubiReport &report,const string outcome)
  {
   report.outcome=outcome;
   report.retcode=0;
   report.order_ticket=0;
   report.deal_ticket=0;
   report.position_id=0;
   report.price=0.0;
   report.volume=0.0;
   report.message="";
  }
#endif
//+------------------------------------------------------------------+
