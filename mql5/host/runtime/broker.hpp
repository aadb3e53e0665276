// The scripted broker behind the trade functions, and its durable ledger.
#pragma once
#include <functional>
#include <set>

#include "host.hpp"
#include "model.hpp"

namespace mql {

struct scheduled {
  long due_ms;
  std::function<void()> act;
};

class broker_state {
 public:
  broker_state();
  account_record &account() { return accounts[current]; }
  symbol_spec *symbol(const std::string &name);
  std::map<long, account_record> accounts;
  std::map<std::string, symbol_spec> symbols;
  std::map<std::string, std::vector<MqlRates>> bars;  // "EURUSD/1"
  long current = 0;

  // Prices and time.
  void quote(const std::string &name, double bid, double ask, long time_msc);
  void pump();  // late deals, expirations
  long next_due_ms() const;
  long last_tick_msc() const { return last_tick_msc_; }
  long server_msc() const { return host().now_ms() + host().server_offset_s * 1000; }

  // Trading.
  bool send(const MqlTradeRequest &request, MqlTradeResult &result);
  uint validate(const MqlTradeRequest &request);
  double profit(const symbol_spec &s, long position_type, double volume, double open, double close) const;
  double margin(const symbol_spec &s, double volume, double price) const;
  double used_margin();
  double floating();
  position_record *position(ulong ticket);
  position_record *position_on(const std::string &symbol);
  void close_at(position_record &p, double price, long reason);
  void fill_by_test(order_record &order, double volume, double price);
  void cancel_by_test(ulong ticket, long state);
  std::deque<json> scripts;
  std::set<ulong> hidden_deals;  // listed by the history, not to be selected: their details have not come yet
  json transactions = json::map();  // {"mode": "normal" | "shuffle" | "drop" | "drop_deals" | "hold", "seed": 1}
  void release_transactions();

  // Records, each kept in the ledger.
  void keep(const position_record &p);
  void keep(const order_record &o);
  void keep(const deal_record &d);
  void keep_balance();
  void gone(ulong identifier);
  void ledger_line(json line);
  void ledger_sync();
  ulong new_ticket() { return ++last_ticket_; }
  ulong new_deal_ticket() { return ++last_deal_; }
  void post_transaction(const MqlTradeTransaction &t);
  void post_order(ENUM_TRADE_TRANSACTION_TYPE type, const order_record &o);
  void post_deal(const deal_record &d);
  void flush_transactions();
  json state();

 private:
  void load_ledger(const std::string &path);
  void read_settings();
  bool local_refusal(MqlTradeResult &result);
  void execute(const MqlTradeRequest &request, MqlTradeResult &result, const json &script);
  void market(const MqlTradeRequest &request, MqlTradeResult &result, const json &script);
  void pending(const MqlTradeRequest &request, MqlTradeResult &result);
  void modify(const MqlTradeRequest &request, MqlTradeResult &result);
  void remove(const MqlTradeRequest &request, MqlTradeResult &result);
  void stops(const MqlTradeRequest &request, MqlTradeResult &result);
  void close_by(const MqlTradeRequest &request, MqlTradeResult &result);
  uint validate_deal(const MqlTradeRequest &request, const symbol_spec &s);
  uint validate_close(const MqlTradeRequest &request, const symbol_spec &s, const position_record &p);
  uint validate_pending(const MqlTradeRequest &request, const symbol_spec &s);
  uint validate_stops(const symbol_spec &s, bool buy, double sl, double tp, double reference) const;
  uint validate_limits(const MqlTradeRequest &request, const symbol_spec &s);
  order_record new_order(const MqlTradeRequest &request, const symbol_spec &s, const json &script);
  ulong fill(order_record &order, double volume, double price, const json &script);
  void book(deal_record &d, const order_record &order, const symbol_spec &s, bool buy, double volume, double price);
  void finish(order_record &order, long state);
  void trigger(symbol_spec &s);
  void trigger_order(order_record &order, const symbol_spec &s);
  std::vector<scheduled> scheduled_;
  std::vector<MqlTradeTransaction> outgoing_;
  std::vector<MqlTradeTransaction> held_;
  long last_tick_msc_ = 0;
  ulong last_ticket_ = 5000000000UL;
  ulong last_deal_ = 7000000000UL;
  ulong sends_ = 0;
  int ledger_ = -1;
  bool loading_ = false;
};

broker_state &broker();
json request_json(const MqlTradeRequest &request);

}  // namespace mql
