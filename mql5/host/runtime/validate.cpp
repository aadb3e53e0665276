// What the simulated broker refuses, and with which code.
#include <cmath>

#include "broker.hpp"

namespace mql {

namespace {

bool on_grid(double value, double step) { return std::fabs(value / step - std::round(value / step)) < 1e-6; }
bool is_buy(long type) { return type % 2 == 0; }

}  // namespace

uint broker_state::validate(const MqlTradeRequest &r) {
  symbol_spec *s = symbol(r.symbol.utf8());
  if (r.action == TRADE_ACTION_REMOVE || r.action == TRADE_ACTION_MODIFY) {
    const auto it = account().orders.find(r.order);
    if (it == account().orders.end() || !it->second.active) return TRADE_RETCODE_INVALID_ORDER;
    s = symbol(it->second.symbol);
  }
  if (r.action == TRADE_ACTION_CLOSE_BY || r.action == TRADE_ACTION_SLTP) {
    const position_record *p = r.position != 0 ? position(r.position) : position_on(r.symbol.utf8());
    if (p == nullptr) return TRADE_RETCODE_POSITION_CLOSED;
    s = symbol(p->symbol);
  }
  if (s == nullptr) return TRADE_RETCODE_INVALID;
  if (!s->market_open) return TRADE_RETCODE_MARKET_CLOSED;
  if (s->trade_mode == SYMBOL_TRADE_MODE_DISABLED) return TRADE_RETCODE_TRADE_DISABLED;
  if (r.action == TRADE_ACTION_DEAL) return validate_deal(r, *s);
  if (r.action == TRADE_ACTION_PENDING) return validate_pending(r, *s);
  if (r.action == TRADE_ACTION_CLOSE_BY) {
    const position_record *p = position(r.position), *by = position(r.position_by);
    if (!account().hedging() || (s->order_modes & SYMBOL_ORDER_CLOSEBY) == 0) return TRADE_RETCODE_INVALID_ORDER;
    if (by == nullptr || p == nullptr) return TRADE_RETCODE_POSITION_CLOSED;
    return by->symbol == p->symbol && by->type != p->type ? 0U : TRADE_RETCODE_INVALID;
  }
  if (r.action == TRADE_ACTION_SLTP) {
    const position_record *p = r.position != 0 ? position(r.position) : position_on(r.symbol.utf8());
    if (std::fabs(p->sl - r.sl) < s->point / 2 && std::fabs(p->tp - r.tp) < s->point / 2) return TRADE_RETCODE_NO_CHANGES;
    const double here = p->type == POSITION_TYPE_BUY ? s->tick.bid : s->tick.ask;
    const double freeze = static_cast<double>(s->freeze_level) * s->point;
    if (freeze > 0 && ((p->sl > 0 && std::fabs(here - p->sl) <= freeze) || (p->tp > 0 && std::fabs(here - p->tp) <= freeze))) return TRADE_RETCODE_FROZEN;
    return validate_stops(*s, p->type == POSITION_TYPE_BUY, r.sl, r.tp, here);
  }
  if (r.action == TRADE_ACTION_MODIFY) {
    const order_record &o = account().orders[r.order];
    const bool same = std::fabs(o.price - r.price) < s->point / 2 && std::fabs(o.sl - r.sl) < s->point / 2 && std::fabs(o.tp - r.tp) < s->point / 2;
    if (same && o.expiration == r.expiration && o.type_time == r.type_time) return TRADE_RETCODE_NO_CHANGES;
    const double freeze = static_cast<double>(s->freeze_level) * s->point;
    if (freeze > 0 && std::fabs((is_buy(o.type) ? s->tick.ask : s->tick.bid) - o.price) <= freeze) return TRADE_RETCODE_FROZEN;
    if (!on_grid(r.price, s->tick_size)) return TRADE_RETCODE_INVALID_PRICE;
    return validate_stops(*s, is_buy(o.type), r.sl, r.tp, r.price);
  }
  return 0;
}

uint broker_state::validate_deal(const MqlTradeRequest &r, const symbol_spec &s) {
  if (r.type != ORDER_TYPE_BUY && r.type != ORDER_TYPE_SELL) return TRADE_RETCODE_INVALID;
  if ((s.order_modes & SYMBOL_ORDER_MARKET) == 0) return TRADE_RETCODE_INVALID_ORDER;
  if (s.tick.time_msc == 0) return TRADE_RETCODE_PRICE_OFF;
  if (r.type_filling == ORDER_FILLING_FOK && (s.filling_flags & SYMBOL_FILLING_FOK) == 0) return TRADE_RETCODE_INVALID_FILL;
  if (r.type_filling == ORDER_FILLING_IOC && (s.filling_flags & SYMBOL_FILLING_IOC) == 0) return TRADE_RETCODE_INVALID_FILL;
  if (r.type_filling == ORDER_FILLING_RETURN && s.exemode == SYMBOL_TRADE_EXECUTION_MARKET) return TRADE_RETCODE_INVALID_FILL;
  if (r.type_filling == ORDER_FILLING_BOC) return TRADE_RETCODE_INVALID_FILL;
  if (r.volume <= 0 || !on_grid(r.volume, s.volume_step)) return TRADE_RETCODE_INVALID_VOLUME;
  const double price = r.type == ORDER_TYPE_BUY ? s.tick.ask : s.tick.bid;
  if (s.exemode == SYMBOL_TRADE_EXECUTION_INSTANT || s.exemode == SYMBOL_TRADE_EXECUTION_REQUEST) {
    if (r.price <= 0 || !on_grid(r.price, s.tick_size)) return TRADE_RETCODE_INVALID_PRICE;
    if (std::fabs(r.price - price) > (static_cast<double>(r.deviation) + 0.5) * s.point) return TRADE_RETCODE_REQUOTE;
  }
  const bool buy = r.type == ORDER_TYPE_BUY;
  const position_record *p = r.position != 0 ? position(r.position) : nullptr;
  if (r.position != 0) return p == nullptr ? TRADE_RETCODE_POSITION_CLOSED : validate_close(r, s, *p);
  const position_record *net = account().hedging() ? nullptr : position_on(s.name);
  const bool reduces = net != nullptr && (net->type == POSITION_TYPE_BUY) != buy && r.volume <= net->volume + 1e-9;
  if (r.volume < s.volume_min - 1e-9 || r.volume > s.volume_max + 1e-9) return TRADE_RETCODE_INVALID_VOLUME;
  if (reduces) return 0;
  if (s.trade_mode == SYMBOL_TRADE_MODE_CLOSEONLY) return TRADE_RETCODE_CLOSE_ONLY;
  if (s.trade_mode == SYMBOL_TRADE_MODE_LONGONLY && !buy) return TRADE_RETCODE_LONG_ONLY;
  if (s.trade_mode == SYMBOL_TRADE_MODE_SHORTONLY && buy) return TRADE_RETCODE_SHORT_ONLY;
  if (account().hedging() && !account().hedge_allowed)
    for (const position_record &q : account().positions)
      if (q.symbol == s.name && (q.type == POSITION_TYPE_BUY) != buy) return TRADE_RETCODE_HEDGE_PROHIBITED;
  if (const uint code = validate_stops(s, buy, r.sl, r.tp, buy ? s.tick.bid : s.tick.ask)) return code;
  return validate_limits(r, s);
}

uint broker_state::validate_close(const MqlTradeRequest &r, const symbol_spec &s, const position_record &p) {
  if (p.symbol != s.name || (p.type == POSITION_TYPE_BUY) == (r.type == ORDER_TYPE_BUY)) return TRADE_RETCODE_INVALID;
  if (r.volume > p.volume + 1e-9) return TRADE_RETCODE_INVALID_CLOSE_VOLUME;
  if (account().fifo_close)
    for (const position_record &q : account().positions)
      if (q.symbol == p.symbol && q.type == p.type && q.time_msc < p.time_msc) return TRADE_RETCODE_FIFO_CLOSE;
  return 0;
}

uint broker_state::validate_stops(const symbol_spec &s, bool buy, double sl, double tp, double reference) const {
  if ((sl > 0 && !on_grid(sl, s.tick_size)) || (tp > 0 && !on_grid(tp, s.tick_size))) return TRADE_RETCODE_INVALID_STOPS;
  if (sl > 0 && (s.order_modes & SYMBOL_ORDER_SL) == 0) return TRADE_RETCODE_INVALID_STOPS;
  if (tp > 0 && (s.order_modes & SYMBOL_ORDER_TP) == 0) return TRADE_RETCODE_INVALID_STOPS;
  const double level = static_cast<double>(s.stops_level) * s.point - s.point / 10;
  const double side = buy ? 1.0 : -1.0;
  if (sl > 0 && ((reference - sl) * side <= 0 || (reference - sl) * side < level)) return TRADE_RETCODE_INVALID_STOPS;
  if (tp > 0 && ((tp - reference) * side <= 0 || (tp - reference) * side < level)) return TRADE_RETCODE_INVALID_STOPS;
  return 0;
}

uint broker_state::validate_pending(const MqlTradeRequest &r, const symbol_spec &s) {
  const long type = r.type;
  if (type < ORDER_TYPE_BUY_LIMIT || type > ORDER_TYPE_SELL_STOP_LIMIT) return TRADE_RETCODE_INVALID;
  const bool limit = type <= ORDER_TYPE_SELL_LIMIT, stop_limit = type >= ORDER_TYPE_BUY_STOP_LIMIT, buy = is_buy(type);
  const long needed = limit ? SYMBOL_ORDER_LIMIT : stop_limit ? SYMBOL_ORDER_STOP_LIMIT : SYMBOL_ORDER_STOP;
  if ((s.order_modes & needed) == 0) return TRADE_RETCODE_INVALID_ORDER;
  if (r.type_filling != ORDER_FILLING_RETURN) return TRADE_RETCODE_INVALID_FILL;
  if (r.volume < s.volume_min - 1e-9 || r.volume > s.volume_max + 1e-9 || !on_grid(r.volume, s.volume_step)) return TRADE_RETCODE_INVALID_VOLUME;
  if (s.trade_mode == SYMBOL_TRADE_MODE_CLOSEONLY) return TRADE_RETCODE_CLOSE_ONLY;
  if (s.trade_mode == SYMBOL_TRADE_MODE_LONGONLY && !buy) return TRADE_RETCODE_LONG_ONLY;
  if (s.trade_mode == SYMBOL_TRADE_MODE_SHORTONLY && buy) return TRADE_RETCODE_SHORT_ONLY;
  if (r.price <= 0 || !on_grid(r.price, s.tick_size)) return TRADE_RETCODE_INVALID_PRICE;
  const double market = buy ? s.tick.ask : s.tick.bid;
  const double level = static_cast<double>(s.stops_level) * s.point - s.point / 10;
  const double ahead = (limit == buy ? market - r.price : r.price - market);
  if (ahead <= 0 || ahead < level) return TRADE_RETCODE_INVALID_PRICE;
  if (stop_limit && (r.stoplimit <= 0 || (buy ? r.stoplimit > r.price : r.stoplimit < r.price))) return TRADE_RETCODE_INVALID_PRICE;
  const long mode = 1L << static_cast<int>(r.type_time);
  if ((s.expiration_modes & mode) == 0) return TRADE_RETCODE_INVALID_EXPIRATION;
  const bool dated = r.type_time == ORDER_TIME_SPECIFIED || r.type_time == ORDER_TIME_SPECIFIED_DAY;
  if (dated && r.expiration <= server_msc() / 1000) return TRADE_RETCODE_INVALID_EXPIRATION;
  if (!dated && r.expiration != 0) return TRADE_RETCODE_INVALID_EXPIRATION;
  long active = 0;
  for (const auto &[ticket, o] : account().orders) active += o.active;
  if (account().limit_orders > 0 && active >= account().limit_orders) return TRADE_RETCODE_LIMIT_ORDERS;
  if (const uint code = validate_stops(s, buy, r.sl, r.tp, stop_limit ? r.stoplimit : r.price)) return code;
  return validate_limits(r, s);
}

uint broker_state::validate_limits(const MqlTradeRequest &r, const symbol_spec &s) {
  double total = r.volume;
  for (const position_record &p : account().positions)
    if (p.symbol == s.name && (p.type == POSITION_TYPE_BUY) == is_buy(r.type)) total += p.volume;
  if (s.volume_limit > 0 && total > s.volume_limit + 1e-9) return TRADE_RETCODE_LIMIT_VOLUME;
  const double free = account().balance + account().credit + floating() - used_margin();
  if (r.action == TRADE_ACTION_DEAL && margin(s, r.volume, s.tick.ask) > free) return TRADE_RETCODE_NO_MONEY;
  return 0;
}

double broker_state::profit(const symbol_spec &s, long type, double volume, double open, double close) const {
  const double difference = type == POSITION_TYPE_BUY ? close - open : open - close;
  const double raw = difference / s.tick_size * volume * (difference >= 0 ? s.tick_value_profit : s.tick_value_loss);
  return std::round(raw * 100.0) / 100.0;
}

double broker_state::margin(const symbol_spec &s, double volume, double price) const {
  const account_record &a = accounts.at(current);
  const double rate = s.base_rate > 0 ? s.base_rate : s.base == a.currency ? 1.0 : price;
  const double raw = s.margin_initial > 0 ? s.margin_initial * volume : volume * s.contract_size * rate * s.margin_rate / static_cast<double>(a.leverage);
  return std::round(raw * 100.0) / 100.0;
}

double broker_state::used_margin() {
  double sum = 0;
  for (const position_record &p : account().positions) sum += margin(symbols[p.symbol], p.volume, p.price_open);
  return sum;
}

double broker_state::floating() {
  double sum = 0;
  for (const position_record &p : account().positions) {
    const symbol_spec &s = symbols[p.symbol];
    sum += profit(s, p.type, p.volume, p.price_open, p.type == POSITION_TYPE_BUY ? s.tick.bid : s.tick.ask) + p.swap;
  }
  return sum;
}

}  // namespace mql
