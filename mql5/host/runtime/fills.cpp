// Deals and what they do to positions; triggers; the queue of transactions.
#include <algorithm>
#include <cmath>

#include "broker.hpp"

namespace mql {

namespace {

double cents(double value) { return std::round(value * 100.0) / 100.0; }

}  // namespace

position_record *broker_state::position(ulong ticket) {
  for (position_record &p : account().positions)
    if (p.ticket == ticket) return &p;
  return nullptr;
}

position_record *broker_state::position_on(const std::string &symbol) {
  for (position_record &p : account().positions)
    if (p.symbol == symbol) return &p;
  return nullptr;
}

ulong broker_state::fill(order_record &order, double volume, double price, const json &script) {
  const symbol_spec &s = symbols[order.symbol];
  deal_record d;
  book(d, order, s, order.type % 2 == 0, volume, price);
  if (script.has("comment_rewrite")) d.comment = script["comment_rewrite"].str();
  account().deals[d.ticket] = d;
  keep(d);
  post_deal(d);
  order.volume_current = std::max(0.0, order.volume_current - volume);
  if (order.volume_current < 1e-9) order.volume_current = 0;
  order.position_id = d.position_id;
  return d.ticket;
}

void broker_state::book(deal_record &d, const order_record &order, const symbol_spec &s, bool buy, double volume, double price) {
  d.ticket = new_deal_ticket();
  d.order = order.ticket;
  d.symbol = s.name;
  d.comment = order.comment;
  d.magic = order.magic;
  d.type = buy ? DEAL_TYPE_BUY : DEAL_TYPE_SELL;
  d.reason = order.reason;
  d.time_msc = server_msc();
  d.volume = volume;
  d.price = price;
  d.sl = order.sl;
  d.tp = order.tp;
  d.commission = -cents(s.commission_per_lot * volume / 2.0);
  position_record *p = nullptr;
  if (account().hedging()) {
    for (position_record &q : account().positions)
      if (order.position_id != 0 && (q.ticket == order.position_id || q.identifier == order.position_id)) p = &q;
  } else {
    p = position_on(s.name);
  }
  const bool adds = p != nullptr && (p->type == POSITION_TYPE_BUY) == buy;
  if (p == nullptr || adds) {
    d.entry = DEAL_ENTRY_IN;
    if (p == nullptr) {
      account().positions.emplace_back();
      p = &account().positions.back();
      p->ticket = p->identifier = order.ticket;
      p->symbol = s.name;
      p->type = buy ? POSITION_TYPE_BUY : POSITION_TYPE_SELL;
      p->time_msc = d.time_msc;
      p->comment = order.comment;
      p->magic = order.magic;
    }
    p->price_open = (p->price_open * p->volume + price * volume) / (p->volume + volume);
    p->volume = std::round((p->volume + volume) * 1e8) / 1e8;
    if (order.sl > 0) p->sl = order.sl;
    if (order.tp > 0) p->tp = order.tp;
    p->update_msc = d.time_msc;
    d.position_id = p->identifier;
    keep(*p);
  } else {
    const double closed = std::min(volume, p->volume);
    d.entry = volume > p->volume + 1e-9 ? DEAL_ENTRY_INOUT : DEAL_ENTRY_OUT;
    d.position_id = p->identifier;
    d.profit = profit(s, p->type, closed, p->price_open, price);
    d.swap = cents(p->swap * closed / p->volume);
    p->swap -= d.swap;
    const double left = std::round((p->volume - volume) * 1e8) / 1e8;
    if (left > 0) {
      p->volume = left;
      p->update_msc = d.time_msc;
      keep(*p);
    } else if (left < 0) {
      p->type = buy ? POSITION_TYPE_BUY : POSITION_TYPE_SELL;
      p->volume = -left;
      p->price_open = price;
      p->sl = order.sl;
      p->tp = order.tp;
      p->update_msc = d.time_msc;
      keep(*p);
    } else {
      const ulong id = p->identifier;
      gone(id);
      auto &all = account().positions;
      all.erase(std::find_if(all.begin(), all.end(), [id](const position_record &q) { return q.identifier == id; }));
    }
  }
  account().balance = cents(account().balance + d.profit + d.swap + d.commission + d.fee);
  keep_balance();
}

void broker_state::close_at(position_record &p, double price, long reason) {
  order_record o;
  o.ticket = new_ticket();
  o.symbol = p.symbol;
  o.comment = reason == DEAL_REASON_SL ? "[sl]" : reason == DEAL_REASON_TP ? "[tp]" : "";
  o.type = p.type == POSITION_TYPE_BUY ? ORDER_TYPE_SELL : ORDER_TYPE_BUY;
  o.reason = reason;
  o.volume_initial = o.volume_current = p.volume;
  o.price = price;
  o.magic = p.magic;
  o.position_id = p.ticket;
  o.setup_msc = server_msc();
  const double volume = p.volume;
  account().orders[o.ticket] = o;
  post_order(TRADE_TRANSACTION_ORDER_ADD, o);
  order_record &kept = account().orders[o.ticket];
  fill(kept, volume, price, json());
  finish(kept, ORDER_STATE_FILLED);
}

void broker_state::quote(const std::string &name, double bid, double ask, long time_msc) {
  symbol_spec *s = symbol(name);
  if (s == nullptr) die("quote for an unknown symbol " + name);
  s->tick = {datetime(time_msc / 1000), bid, ask, 0.0, 0, time_msc, TICK_FLAG_BID | TICK_FLAG_ASK, 0.0};
  s->ticks.push_back(s->tick);
  if (s->ticks.size() > 20000) s->ticks.pop_front();
  last_tick_msc_ = std::max(last_tick_msc_, time_msc);
  if (ledger_ < 0) return;
  trigger(*s);
  flush_transactions();
  ledger_sync();
  if (name == host().settings["symbol"].str("EURUSD")) host().post({event::tick});
}

void broker_state::trigger(symbol_spec &s) {
  std::vector<ulong> tickets;
  for (const auto &[ticket, o] : account().orders)
    if (o.active && o.symbol == s.name && o.state == ORDER_STATE_PLACED) tickets.push_back(ticket);
  for (const ulong ticket : tickets) trigger_order(account().orders[ticket], s);
  std::vector<ulong> ids;
  for (const position_record &p : account().positions) ids.push_back(p.ticket);
  for (const ulong id : ids) {
    position_record *p = position(id);
    if (p == nullptr || p->symbol != s.name) continue;
    const bool buy = p->type == POSITION_TYPE_BUY;
    const double here = buy ? s.tick.bid : s.tick.ask, side = buy ? 1.0 : -1.0;
    if (p->sl > 0 && (here - p->sl) * side <= 0) close_at(*p, here, DEAL_REASON_SL);
    else if (p->tp > 0 && (here - p->tp) * side >= 0) close_at(*p, here, DEAL_REASON_TP);
  }
}

void broker_state::trigger_order(order_record &o, const symbol_spec &s) {
  const bool buy = o.type % 2 == 0;
  const double here = buy ? s.tick.ask : s.tick.bid, side = buy ? 1.0 : -1.0;
  if (o.type >= ORDER_TYPE_BUY_STOP_LIMIT) {
    if ((here - o.price) * side < 0) return;
    o.type = buy ? ORDER_TYPE_BUY_LIMIT : ORDER_TYPE_SELL_LIMIT;
    o.price = o.stoplimit;
    keep(o);
    post_order(TRADE_TRANSACTION_ORDER_UPDATE, o);
    return;
  }
  const bool limit = o.type <= ORDER_TYPE_SELL_LIMIT;
  if (limit ? (here - o.price) * side > 0 : (here - o.price) * side < 0) return;
  fill(o, o.volume_current, limit ? o.price : here, json());
  finish(o, ORDER_STATE_FILLED);
}

void broker_state::fill_by_test(order_record &order, double volume, double price) {
  fill(order, volume, price > 0 ? price : order.price, json());
  if (order.volume_current > 0) {
    order.state = ORDER_STATE_PARTIAL;
    keep(order);
    post_order(TRADE_TRANSACTION_ORDER_UPDATE, order);
  } else {
    finish(order, ORDER_STATE_FILLED);
  }
  flush_transactions();
  ledger_sync();
}

void broker_state::cancel_by_test(ulong ticket, long state) {
  if (account().orders.count(ticket) == 0) die("cancel of an unknown order");
  finish(account().orders[ticket], state);
  flush_transactions();
  ledger_sync();
}

long broker_state::next_due_ms() const {
  long due = -1;
  for (const scheduled &one : scheduled_)
    if (due < 0 || one.due_ms < due) due = one.due_ms;
  return due;
}

void broker_state::pump() {
  for (std::size_t i = 0; i < scheduled_.size();) {
    if (scheduled_[i].due_ms > host().now_ms()) { ++i; continue; }
    const auto act = scheduled_[i].act;
    scheduled_.erase(scheduled_.begin() + static_cast<long>(i));
    act();
    ledger_sync();
  }
  std::vector<ulong> expired;
  for (const auto &[ticket, o] : account().orders)
    if (o.active && o.state == ORDER_STATE_PLACED && o.expiration > 0 && o.expiration * 1000 <= server_msc()) expired.push_back(ticket);
  for (const ulong ticket : expired) finish(account().orders[ticket], ORDER_STATE_EXPIRED);
  if (!expired.empty()) { flush_transactions(); ledger_sync(); }
}

void broker_state::post_transaction(const MqlTradeTransaction &t) { outgoing_.push_back(t); }

void broker_state::post_order(ENUM_TRADE_TRANSACTION_TYPE type, const order_record &o) {
  MqlTradeTransaction t = {};
  t.type = type;
  t.order = o.ticket;
  t.symbol = string::utf8(o.symbol);
  t.order_type = static_cast<ENUM_ORDER_TYPE>(o.type);
  t.order_state = static_cast<ENUM_ORDER_STATE>(o.state);
  t.time_type = static_cast<ENUM_ORDER_TYPE_TIME>(o.type_time);
  t.time_expiration = o.expiration;
  t.price = o.price;
  t.price_sl = o.sl;
  t.price_tp = o.tp;
  t.volume = o.volume_current;
  t.position = o.position_id;
  t.position_by = o.position_by;
  post_transaction(t);
}

void broker_state::post_deal(const deal_record &d) {
  MqlTradeTransaction t = {};
  t.type = TRADE_TRANSACTION_DEAL_ADD;
  t.deal = d.ticket;
  t.order = d.order;
  t.symbol = string::utf8(d.symbol);
  t.deal_type = static_cast<ENUM_DEAL_TYPE>(d.type);
  t.price = d.price;
  t.price_sl = d.sl;
  t.price_tp = d.tp;
  t.volume = d.volume;
  t.position = d.position_id;
  post_transaction(t);
}

void broker_state::flush_transactions() {
  const std::string mode = transactions["mode"].str("normal");
  if (mode == "shuffle") {
    static unsigned long seed = static_cast<unsigned long>(transactions["seed"].integer(1));
    for (std::size_t i = outgoing_.size(); i > 1; --i) {
      seed = seed * 6364136223846793005UL + 1442695040888963407UL;
      std::swap(outgoing_[i - 1], outgoing_[(seed >> 33) % i]);
    }
  }
  for (const MqlTradeTransaction &t : outgoing_) {
    if (mode == "drop" || (mode == "drop_deals" && t.type == TRADE_TRANSACTION_DEAL_ADD)) continue;
    if (mode == "hold") { held_.push_back(t); continue; }
    event e = {event::transaction};
    e.transaction_data = t;
    host().post(e);
  }
  if (!outgoing_.empty() && mode != "drop" && mode != "hold") host().post({event::trade});
  outgoing_.clear();
}

void broker_state::release_transactions() {
  for (const MqlTradeTransaction &t : held_) {
    event e = {event::transaction};
    e.transaction_data = t;
    host().post(e);
  }
  if (!held_.empty()) host().post({event::trade});
  held_.clear();
}

}  // namespace mql
