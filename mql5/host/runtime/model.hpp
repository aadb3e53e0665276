// What the simulated broker knows. Every record is written to and read from the ledger by its `fields`.
#pragma once
#include <deque>
#include <map>
#include <vector>

#include "json.hpp"
#include "structs.hpp"

namespace mql {

struct symbol_spec {
  std::string name, description, base = "EUR", profit = "USD", margin = "EUR";
  int digits = 5;
  double point = 0.00001, tick_size = 0.00001, tick_value_profit = 1.0, tick_value_loss = 1.0, contract_size = 100000.0;
  double volume_min = 0.01, volume_max = 100.0, volume_step = 0.01, volume_limit = 0.0;
  long stops_level = 0, freeze_level = 0;
  long trade_mode = SYMBOL_TRADE_MODE_FULL, exemode = SYMBOL_TRADE_EXECUTION_MARKET, calc_mode = SYMBOL_CALC_MODE_FOREX;
  long filling_flags = 3, order_modes = 127, expiration_modes = 15;
  double margin_initial = 0.0, margin_rate = 1.0, base_rate = 0.0;
  double commission_per_lot = 0.0, swap_long = -2.5, swap_short = 0.5;
  bool selected = true, synchronized = true, market_open = true;
  MqlTick tick = {};
  std::deque<MqlTick> ticks;
  template <class F> void fields(F f) {
    f("name", name); f("description", description); f("currency_base", base); f("currency_profit", profit); f("currency_margin", margin);
    f("digits", digits); f("point", point); f("tick_size", tick_size); f("tick_value_profit", tick_value_profit); f("tick_value_loss", tick_value_loss);
    f("contract_size", contract_size); f("volume_min", volume_min); f("volume_max", volume_max); f("volume_step", volume_step); f("volume_limit", volume_limit);
    f("stops_level", stops_level); f("freeze_level", freeze_level); f("trade_mode", trade_mode); f("exemode", exemode); f("calc_mode", calc_mode);
    f("filling_flags", filling_flags); f("order_modes", order_modes); f("expiration_modes", expiration_modes);
    f("margin_initial", margin_initial); f("margin_rate", margin_rate); f("base_rate", base_rate); f("commission_per_lot", commission_per_lot);
    f("swap_long", swap_long); f("swap_short", swap_short); f("selected", selected); f("synchronized", synchronized); f("market_open", market_open);
  }
};

struct order_record {
  ulong ticket = 0;
  std::string symbol, comment;
  long type = 0, state = 0, filling = 0, type_time = 0, expiration = 0, reason = 3;
  double volume_initial = 0, volume_current = 0, price = 0, stoplimit = 0, sl = 0, tp = 0;
  ulong magic = 0, position_id = 0, position_by = 0;
  long setup_msc = 0, done_msc = 0;
  bool active = true;
  template <class F> void fields(F f) {
    f("ticket", ticket); f("symbol", symbol); f("comment", comment); f("type", type); f("state", state); f("filling", filling);
    f("type_time", type_time); f("expiration", expiration); f("reason", reason); f("volume_initial", volume_initial); f("volume_current", volume_current);
    f("price", price); f("stoplimit", stoplimit); f("sl", sl); f("tp", tp); f("magic", magic); f("position_id", position_id);
    f("position_by", position_by); f("setup_msc", setup_msc); f("done_msc", done_msc); f("active", active);
  }
};

struct deal_record {
  ulong ticket = 0, order = 0, position_id = 0, magic = 0;
  std::string symbol, comment;
  long type = 0, entry = 0, reason = 3, time_msc = 0;
  double volume = 0, price = 0, profit = 0, swap = 0, commission = 0, fee = 0, sl = 0, tp = 0;
  template <class F> void fields(F f) {
    f("ticket", ticket); f("order", order); f("position_id", position_id); f("magic", magic); f("symbol", symbol); f("comment", comment);
    f("type", type); f("entry", entry); f("reason", reason); f("time_msc", time_msc); f("volume", volume); f("price", price);
    f("profit", profit); f("swap", swap); f("commission", commission); f("fee", fee); f("sl", sl); f("tp", tp);
  }
};

struct position_record {
  ulong ticket = 0, identifier = 0, magic = 0;
  std::string symbol, comment;
  long type = 0, reason = 3, time_msc = 0, update_msc = 0;
  double volume = 0, price_open = 0, sl = 0, tp = 0, swap = 0;
  template <class F> void fields(F f) {
    f("ticket", ticket); f("identifier", identifier); f("magic", magic); f("symbol", symbol); f("comment", comment); f("type", type);
    f("reason", reason); f("time_msc", time_msc); f("update_msc", update_msc); f("volume", volume); f("price_open", price_open);
    f("sl", sl); f("tp", tp); f("swap", swap);
  }
};

struct account_record {
  long login = 12345678;
  std::string server = "Rubi-Demo", company = "Rubi Test Broker", name = "Test", currency = "USD", margin_mode = "HEDGING", trade_mode = "DEMO";
  long leverage = 100, limit_orders = 200;
  double balance = 10000.0, credit = 0.0;
  bool fifo_close = false, hedge_allowed = true, trade_allowed = true, trade_expert = true;
  template <class F> void fields(F f) {
    f("login", login); f("server", server); f("company", company); f("name", name); f("currency", currency); f("margin_mode", margin_mode);
    f("trade_mode", trade_mode); f("leverage", leverage); f("limit_orders", limit_orders); f("balance", balance); f("credit", credit);
    f("fifo_close", fifo_close); f("hedge_allowed", hedge_allowed); f("trade_allowed", trade_allowed); f("trade_expert", trade_expert);
  }
  std::vector<position_record> positions;
  std::map<ulong, order_record> orders;  // active and done
  std::map<ulong, deal_record> deals;
  bool hedging() const { return margin_mode == "HEDGING"; }
};

struct field_writer {
  json &out;
  template <class T> void operator()(const char *name, const T &value) const { out.set(name, json(value)); }
};

struct field_reader {
  const json &in;
  void operator()(const char *name, std::string &v) const { if (in.has(name)) v = in[name].str(); }
  void operator()(const char *name, bool &v) const { if (in.has(name)) v = in[name].flag(); }
  void operator()(const char *name, double &v) const { if (in.has(name)) v = in[name].number(); }
  void operator()(const char *name, int &v) const { if (in.has(name)) v = static_cast<int>(in[name].integer()); }
  void operator()(const char *name, long &v) const { if (in.has(name)) v = in[name].integer(); }
  void operator()(const char *name, ulong &v) const { if (in.has(name)) v = static_cast<ulong>(in[name].integer()); }
};

template <class R> json to_json(const R &record) {
  json out = json::map();
  R copy = record;
  copy.fields(field_writer{out});
  return out;
}
template <class R> void from_json(R &record, const json &in) { record.fields(field_reader{in}); }

}  // namespace mql
