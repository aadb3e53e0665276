// From a request to orders, deals and positions.
#include <algorithm>
#include <cmath>

#include "broker.hpp"

namespace mql {

json request_json(const MqlTradeRequest &r) {
  json out = json::map();
  out.set("action", EnumToString(r.action).utf8()).set("symbol", r.symbol.utf8()).set("type", EnumToString(r.type).utf8());
  out.set("volume", r.volume).set("price", r.price).set("sl", r.sl).set("tp", r.tp).set("stoplimit", r.stoplimit);
  out.set("deviation", r.deviation).set("magic", r.magic).set("order", r.order).set("position", r.position).set("position_by", r.position_by);
  out.set("filling", EnumToString(r.type_filling).utf8()).set("type_time", EnumToString(r.type_time).utf8());
  return out.set("expiration", static_cast<long>(r.expiration)).set("comment", r.comment.utf8());
}

bool broker_state::local_refusal(MqlTradeResult &result) {
  const host_state &h = host();
  if (!h.connected) { result.retcode = TRADE_RETCODE_CONNECTION; fail(ERR_TRADE_SEND_FAILED); return true; }
  if (!h.terminal_trade_allowed || !h.mql_trade_allowed) { result.retcode = TRADE_RETCODE_CLIENT_DISABLES_AT; fail(ERR_TRADE_DISABLED); return true; }
  return false;
}

bool broker_state::send(const MqlTradeRequest &request, MqlTradeResult &result) {
  result = MqlTradeResult{};
  if (local_refusal(result)) return false;
  const ulong n = ++sends_;
  const json described = request_json(request);
  ledger_line(json::map().set("t", "send").set("n", n).set("request", described));
  ledger_sync();
  json script;
  for (auto it = scripts.begin(); it != scripts.end(); ++it) {
    if (it->has("action") && (*it)["action"].str() != described["action"].str()) continue;
    if (it->has("comment") && (*it)["comment"].str() != request.comment.utf8()) continue;
    script = *it;
    scripts.erase(it);
    break;
  }
  if (script.has("bid")) quote(request.symbol.utf8(), script["bid"].number(), script["ask"].number(), server_msc());
  result.request_id = static_cast<uint>(n);
  uint code = 0;
  if (!account().trade_allowed) code = TRADE_RETCODE_TRADE_DISABLED;
  else if (!account().trade_expert) code = TRADE_RETCODE_SERVER_DISABLES_AT;
  else if (script.has("retcode") && !script["execute"].flag()) code = static_cast<uint>(script["retcode"].integer());
  else code = validate(request);
  if (code != 0) result.retcode = code;
  else execute(request, result, script);
  if (const symbol_spec *s = symbol(request.symbol.utf8())) { result.bid = s->tick.bid; result.ask = s->tick.ask; }
  result.comment = string::utf8(script["result_comment"].str(result.retcode == TRADE_RETCODE_DONE ? "Request executed" : "code " + std::to_string(result.retcode)));
  if (script["deal_zero"].flag()) result.deal = 0;
  if (script["order_zero"].flag()) result.order = 0;
  ledger_line(json::map().set("t", "result").set("n", n).set("retcode", result.retcode).set("order", result.order).set("deal", result.deal));
  ledger_sync();
  MqlTradeTransaction t = {};
  t.type = TRADE_TRANSACTION_REQUEST;
  post_transaction(t);
  host().say(json::map().set("event", "order_send").set("n", n).set("request", described).set("retcode", result.retcode).set("handler", static_cast<int>(host().running)));
  if (script["lost"].flag()) {
    // The broker acted, the terminal never learns what came of it.
    flush_transactions();
    result = MqlTradeResult{};
    result.retcode = static_cast<uint>(script["lost_retcode"].integer(TRADE_RETCODE_TIMEOUT));
    fail(static_cast<int>(script["error"].integer(ERR_TRADE_SEND_FAILED)));
    return false;
  }
  flush_transactions();
  const bool good = result.retcode == TRADE_RETCODE_DONE || result.retcode == TRADE_RETCODE_PLACED || result.retcode == TRADE_RETCODE_DONE_PARTIAL;
  if (!good) fail(ERR_TRADE_SEND_FAILED);
  return good;
}

void broker_state::execute(const MqlTradeRequest &request, MqlTradeResult &result, const json &script) {
  switch (request.action) {
    case TRADE_ACTION_DEAL: market(request, result, script); break;
    case TRADE_ACTION_PENDING: pending(request, result); break;
    case TRADE_ACTION_MODIFY: modify(request, result); break;
    case TRADE_ACTION_REMOVE: remove(request, result); break;
    case TRADE_ACTION_SLTP: stops(request, result); break;
    case TRADE_ACTION_CLOSE_BY: close_by(request, result); break;
    default: result.retcode = TRADE_RETCODE_INVALID;
  }
}

order_record broker_state::new_order(const MqlTradeRequest &r, const symbol_spec &s, const json &script) {
  order_record o;
  o.ticket = new_ticket();
  o.symbol = s.name;
  o.comment = script["comment_rewrite"].str(r.comment.utf8().substr(0, 31));
  o.type = r.type;
  o.state = ORDER_STATE_STARTED;
  o.filling = r.type_filling;
  o.type_time = r.type_time;
  o.expiration = r.expiration;
  o.volume_initial = o.volume_current = r.volume;
  o.price = r.action == TRADE_ACTION_DEAL ? (r.type == ORDER_TYPE_BUY ? s.tick.ask : s.tick.bid) : r.price;
  o.stoplimit = r.stoplimit;
  o.sl = r.sl;
  o.tp = r.tp;
  o.magic = r.magic;
  o.position_id = r.position;
  o.position_by = r.position_by;
  o.setup_msc = server_msc();
  return o;
}

void broker_state::market(const MqlTradeRequest &r, MqlTradeResult &result, const json &script) {
  symbol_spec &s = *symbol(r.symbol.utf8());
  order_record order = new_order(r, s, script);
  const double price = script["price"].number(order.price);
  const double volume = script.has("fill") ? script["fill"].number() : r.volume;
  result.order = order.ticket;
  account().orders[order.ticket] = order;
  keep(order);
  post_order(TRADE_TRANSACTION_ORDER_ADD, order);
  if (script["placed"].flag()) {
    result.retcode = TRADE_RETCODE_PLACED;
    const ulong ticket = order.ticket;
    if (!script.has("deal_after_ms")) return;
    scheduled_.push_back({host().now_ms() + script["deal_after_ms"].integer(), [this, ticket, volume, price] {
      order_record &late = account().orders[ticket];
      fill(late, volume, price, json());
      finish(late, ORDER_STATE_FILLED);
      flush_transactions();
    }});
    return;
  }
  order_record &kept = account().orders[order.ticket];
  result.deal = fill(kept, volume, price, script);
  result.volume = volume;
  result.price = price;
  const bool whole = volume > r.volume - 1e-9;
  result.retcode = whole ? TRADE_RETCODE_DONE : TRADE_RETCODE_DONE_PARTIAL;
  if (script.has("retcode")) result.retcode = static_cast<uint>(script["retcode"].integer());
  if (script.has("then_fill_after_ms") && !whole) {
    const ulong ticket = order.ticket;
    const double rest = r.volume - volume;
    scheduled_.push_back({host().now_ms() + script["then_fill_after_ms"].integer(), [this, ticket, rest, price] {
      order_record &late = account().orders[ticket];
      fill(late, rest, price, json());
      finish(late, ORDER_STATE_FILLED);
      flush_transactions();
    }});
    kept.state = ORDER_STATE_PARTIAL;
    keep(kept);
    return;
  }
  finish(kept, whole ? ORDER_STATE_FILLED : ORDER_STATE_CANCELED);
}

void broker_state::finish(order_record &order, long state) {
  order.state = state;
  order.active = false;
  order.done_msc = server_msc();
  keep(order);
  post_order(TRADE_TRANSACTION_ORDER_DELETE, order);
  post_order(TRADE_TRANSACTION_HISTORY_ADD, order);
}

void broker_state::pending(const MqlTradeRequest &r, MqlTradeResult &result) {
  order_record order = new_order(r, *symbol(r.symbol.utf8()), json());
  order.state = ORDER_STATE_PLACED;
  account().orders[order.ticket] = order;
  keep(order);
  post_order(TRADE_TRANSACTION_ORDER_ADD, order);
  result.order = order.ticket;
  result.volume = r.volume;
  result.price = r.price;
  result.retcode = TRADE_RETCODE_DONE;
}

void broker_state::modify(const MqlTradeRequest &r, MqlTradeResult &result) {
  order_record &o = account().orders[r.order];
  o.price = r.price;
  o.sl = r.sl;
  o.tp = r.tp;
  o.stoplimit = r.stoplimit;
  o.type_time = r.type_time;
  o.expiration = r.expiration;
  keep(o);
  post_order(TRADE_TRANSACTION_ORDER_UPDATE, o);
  result.order = o.ticket;
  result.retcode = TRADE_RETCODE_DONE;
}

void broker_state::remove(const MqlTradeRequest &r, MqlTradeResult &result) {
  finish(account().orders[r.order], ORDER_STATE_CANCELED);
  result.order = r.order;
  result.retcode = TRADE_RETCODE_DONE;
}

void broker_state::stops(const MqlTradeRequest &r, MqlTradeResult &result) {
  position_record &p = *(r.position != 0 ? position(r.position) : position_on(r.symbol.utf8()));
  p.sl = r.sl;
  p.tp = r.tp;
  p.update_msc = server_msc();
  keep(p);
  MqlTradeTransaction t = {};
  t.type = TRADE_TRANSACTION_POSITION;
  t.symbol = string::utf8(p.symbol);
  t.position = p.ticket;
  t.price_sl = p.sl;
  t.price_tp = p.tp;
  t.volume = p.volume;
  post_transaction(t);
  result.retcode = TRADE_RETCODE_DONE;
}

void broker_state::close_by(const MqlTradeRequest &r, MqlTradeResult &result) {
  const position_record first = *position(r.position), second = *position(r.position_by);
  const symbol_spec &s = symbols[first.symbol];
  const double volume = std::min(first.volume, second.volume);
  order_record order = new_order(r, s, json());
  order.type = ORDER_TYPE_CLOSE_BY;
  order.volume_initial = volume;
  order.volume_current = 0;
  account().orders[order.ticket] = order;
  for (const position_record *p : {&first, &second}) {
    order_record part = order;
    part.position_id = p->identifier;
    deal_record d;
    book(d, part, s, p->type == POSITION_TYPE_SELL, volume, p == &first ? second.price_open : first.price_open);
    d.entry = DEAL_ENTRY_OUT_BY;
    account().deals[d.ticket] = d;
    keep(d);
    post_deal(d);
    result.deal = d.ticket;
  }
  finish(account().orders[order.ticket], ORDER_STATE_FILLED);
  result.order = order.ticket;
  result.volume = volume;
  result.retcode = TRADE_RETCODE_DONE;
}

}  // namespace mql
