// The trade functions: selections are copies, as in MetaTrader, and history is read only from what was selected.
#include "api/trade.hpp"

#include <algorithm>

#include "api/common.hpp"
#include "broker.hpp"

namespace mql {

namespace {

position_record selected_position;
order_record selected_order;
std::vector<ulong> history_orders, history_deals;

bool history_has(const std::vector<ulong> &list, ulong ticket, int error) {
  if (std::find(list.begin(), list.end(), ticket) != list.end()) return true;
  fail(error);
  return false;
}

double price_now(const std::string &symbol, bool buy_side) {
  const symbol_spec *s = broker().symbol(symbol);
  return s == nullptr ? 0.0 : buy_side ? s->tick.ask : s->tick.bid;
}

std::vector<const order_record *> active_orders() {
  std::vector<const order_record *> out;
  for (const auto &[ticket, o] : broker().account().orders)
    if (o.active) out.push_back(&o);
  return out;
}

long order_integer(const order_record &o, ENUM_ORDER_PROPERTY_INTEGER property) {
  switch (property) {
    case ORDER_TICKET: return static_cast<long>(o.ticket);
    case ORDER_TIME_SETUP: return o.setup_msc / 1000;
    case ORDER_TIME_SETUP_MSC: return o.setup_msc;
    case ORDER_TIME_DONE: return o.done_msc / 1000;
    case ORDER_TIME_DONE_MSC: return o.done_msc;
    case ORDER_TIME_EXPIRATION: return o.expiration;
    case ORDER_TYPE: return o.type;
    case ORDER_TYPE_FILLING: return o.filling;
    case ORDER_TYPE_TIME: return o.type_time;
    case ORDER_STATE: return o.state;
    case ORDER_MAGIC: return static_cast<long>(o.magic);
    case ORDER_REASON: return o.reason;
    case ORDER_POSITION_ID: return static_cast<long>(o.position_id);
    case ORDER_POSITION_BY_ID: return static_cast<long>(o.position_by);
    default: die("order property " + EnumToString(property).utf8() + " is not implemented");
  }
}

double order_double(const order_record &o, ENUM_ORDER_PROPERTY_DOUBLE property) {
  switch (property) {
    case ORDER_VOLUME_INITIAL: return o.volume_initial;
    case ORDER_VOLUME_CURRENT: return o.volume_current;
    case ORDER_PRICE_OPEN: return o.price;
    case ORDER_PRICE_CURRENT: return price_now(o.symbol, o.type % 2 == 0);
    case ORDER_PRICE_STOPLIMIT: return o.stoplimit;
    case ORDER_SL: return o.sl;
    case ORDER_TP: return o.tp;
    default: die("order property " + EnumToString(property).utf8() + " is not implemented");
  }
}

string order_string(const order_record &o, ENUM_ORDER_PROPERTY_STRING property) {
  return property == ORDER_SYMBOL ? string::utf8(o.symbol) : property == ORDER_COMMENT ? string::utf8(o.comment) : lit(u"");
}

bool select_if(bool found, int error) {
  if (!found) fail(error);
  return found;
}

}  // namespace

bool OrderSend(const MqlTradeRequest &request, MqlTradeResult &result) {
  const std::string described = request_json(request).dump();
  host().passing("before_send", described);
  const bool done = broker().send(request, result);
  host().passing("after_send", described);
  return done;
}

bool OrderCheck(const MqlTradeRequest &request, MqlTradeCheckResult &result) {
  result = MqlTradeCheckResult{};
  broker_state &b = broker();
  result.retcode = !host().connected ? TRADE_RETCODE_CONNECTION : b.validate(request);
  const symbol_spec *s = b.symbol(request.symbol.utf8());
  const bool adds = request.action == TRADE_ACTION_DEAL || request.action == TRADE_ACTION_PENDING;
  result.balance = b.account().balance;
  result.equity = result.balance + b.account().credit + b.floating();
  result.profit = b.floating();
  result.margin = b.used_margin() + (adds && s != nullptr && request.position == 0 ? b.margin(*s, request.volume, s->tick.ask) : 0.0);
  result.margin_free = result.equity - result.margin;
  result.margin_level = result.margin > 0 ? result.equity / result.margin * 100.0 : 0.0;
  result.comment = string::utf8(result.retcode == 0 ? "Done" : "code " + std::to_string(result.retcode));
  if (result.retcode != 0) fail(ERR_TRADE_SEND_FAILED);
  host().say(json::map().set("event", "order_check").set("request", request_json(request)).set("retcode", result.retcode));
  return result.retcode == 0;
}

bool OrderCalcMargin(ENUM_ORDER_TYPE, const string &name, double volume, double price, double &margin) {
  const symbol_spec *s = broker().symbol(name.utf8());
  if (s == nullptr || volume <= 0) { fail(ERR_TRADE_CALC_FAILED); return false; }
  margin = broker().margin(*s, volume, price);
  return true;
}

bool OrderCalcProfit(ENUM_ORDER_TYPE action, const string &name, double volume, double open, double close, double &profit) {
  const symbol_spec *s = broker().symbol(name.utf8());
  if (s == nullptr || volume <= 0 || (action != ORDER_TYPE_BUY && action != ORDER_TYPE_SELL)) { fail(ERR_TRADE_CALC_FAILED); return false; }
  profit = broker().profit(*s, action, volume, open, close);
  return true;
}

int PositionsTotal() { return static_cast<int>(broker().account().positions.size()); }

ulong PositionGetTicket(int index) {
  const auto &all = broker().account().positions;
  if (!select_if(index >= 0 && index < static_cast<int>(all.size()), ERR_TRADE_POSITION_NOT_FOUND)) return 0;
  selected_position = all[static_cast<std::size_t>(index)];
  return selected_position.ticket;
}

string PositionGetSymbol(int index) { return PositionGetTicket(index) == 0 ? lit(u"") : string::utf8(selected_position.symbol); }

bool PositionSelect(const string &symbol) {
  const position_record *found = nullptr;
  for (const position_record &p : broker().account().positions)
    if (p.symbol == symbol.utf8() && (found == nullptr || p.ticket < found->ticket)) found = &p;
  if (found != nullptr) selected_position = *found;
  return select_if(found != nullptr, ERR_TRADE_POSITION_NOT_FOUND);
}

bool PositionSelectByTicket(ulong ticket) {
  const position_record *found = broker().position(ticket);
  if (found != nullptr) selected_position = *found;
  return select_if(found != nullptr, ERR_TRADE_POSITION_NOT_FOUND);
}

long PositionGetInteger(ENUM_POSITION_PROPERTY_INTEGER property) {
  const position_record &p = selected_position;
  if (p.ticket == 0) die("PositionGetInteger without a selected position");
  switch (property) {
    case POSITION_TICKET: return static_cast<long>(p.ticket);
    case POSITION_TIME: return p.time_msc / 1000;
    case POSITION_TIME_MSC: return p.time_msc;
    case POSITION_TIME_UPDATE: return p.update_msc / 1000;
    case POSITION_TIME_UPDATE_MSC: return p.update_msc;
    case POSITION_TYPE: return p.type;
    case POSITION_MAGIC: return static_cast<long>(p.magic);
    case POSITION_IDENTIFIER: return static_cast<long>(p.identifier);
    case POSITION_REASON: return p.reason;
    default: die("position property " + EnumToString(property).utf8() + " is not implemented");
  }
}

double PositionGetDouble(ENUM_POSITION_PROPERTY_DOUBLE property) {
  const position_record &p = selected_position;
  if (p.ticket == 0) die("PositionGetDouble without a selected position");
  const double now = price_now(p.symbol, p.type == POSITION_TYPE_SELL);
  switch (property) {
    case POSITION_VOLUME: return p.volume;
    case POSITION_PRICE_OPEN: return p.price_open;
    case POSITION_PRICE_CURRENT: return now;
    case POSITION_SL: return p.sl;
    case POSITION_TP: return p.tp;
    case POSITION_SWAP: return p.swap;
    case POSITION_PROFIT: return broker().profit(*broker().symbol(p.symbol), p.type, p.volume, p.price_open, now);
    case POSITION_COMMISSION: die("POSITION_COMMISSION is deprecated: commissions stand in deals");
    default: die("position property " + EnumToString(property).utf8() + " is not implemented");
  }
}

string PositionGetString(ENUM_POSITION_PROPERTY_STRING property) {
  if (selected_position.ticket == 0) die("PositionGetString without a selected position");
  if (property == POSITION_SYMBOL) return string::utf8(selected_position.symbol);
  return property == POSITION_COMMENT ? string::utf8(selected_position.comment) : lit(u"");
}

int OrdersTotal() { return static_cast<int>(active_orders().size()); }

ulong OrderGetTicket(int index) {
  const auto all = active_orders();
  if (!select_if(index >= 0 && index < static_cast<int>(all.size()), ERR_TRADE_ORDER_NOT_FOUND)) return 0;
  selected_order = *all[static_cast<std::size_t>(index)];
  return selected_order.ticket;
}

bool OrderSelect(ulong ticket) {
  const auto it = broker().account().orders.find(ticket);
  const bool found = it != broker().account().orders.end() && it->second.active;
  if (found) selected_order = it->second;
  return select_if(found, ERR_TRADE_ORDER_NOT_FOUND);
}

long OrderGetInteger(ENUM_ORDER_PROPERTY_INTEGER property) { return order_integer(selected_order, property); }
double OrderGetDouble(ENUM_ORDER_PROPERTY_DOUBLE property) { return order_double(selected_order, property); }
string OrderGetString(ENUM_ORDER_PROPERTY_STRING property) { return order_string(selected_order, property); }

bool HistorySelect(datetime from, datetime to) {
  history_orders.clear();
  history_deals.clear();
  const auto inside = [&](long msc) { return msc / 1000 >= from && msc / 1000 <= to; };
  for (const auto &[ticket, o] : broker().account().orders)
    if (!o.active && inside(o.done_msc)) history_orders.push_back(ticket);
  for (const auto &[ticket, d] : broker().account().deals)
    if (inside(d.time_msc)) history_deals.push_back(ticket);
  return true;
}

bool HistorySelectByPosition(long position) {
  history_orders.clear();
  history_deals.clear();
  for (const auto &[ticket, o] : broker().account().orders)
    if (!o.active && o.position_id == static_cast<ulong>(position)) history_orders.push_back(ticket);
  for (const auto &[ticket, d] : broker().account().deals)
    if (d.position_id == static_cast<ulong>(position)) history_deals.push_back(ticket);
  return true;
}

bool HistoryOrderSelect(ulong ticket) {
  const auto it = broker().account().orders.find(ticket);
  const bool found = it != broker().account().orders.end() && !it->second.active;
  history_deals.clear();
  history_orders.assign(found ? 1 : 0, ticket);
  return select_if(found, ERR_TRADE_ORDER_NOT_FOUND);
}

// Selecting one deal replaces the whole selection.
bool HistoryDealSelect(ulong ticket) {
  const bool found = broker().account().deals.count(ticket) != 0 && broker().hidden_deals.count(ticket) == 0;
  history_orders.clear();
  history_deals.assign(found ? 1 : 0, ticket);
  return select_if(found, ERR_TRADE_DEAL_NOT_FOUND);
}

int HistoryOrdersTotal() { return static_cast<int>(history_orders.size()); }
int HistoryDealsTotal() { return static_cast<int>(history_deals.size()); }

ulong HistoryOrderGetTicket(int index) {
  if (!select_if(index >= 0 && index < HistoryOrdersTotal(), ERR_TRADE_ORDER_NOT_FOUND)) return 0;
  return history_orders[static_cast<std::size_t>(index)];
}
ulong HistoryDealGetTicket(int index) {
  if (!select_if(index >= 0 && index < HistoryDealsTotal(), ERR_TRADE_DEAL_NOT_FOUND)) return 0;
  return history_deals[static_cast<std::size_t>(index)];
}

long HistoryOrderGetInteger(ulong ticket, ENUM_ORDER_PROPERTY_INTEGER property) {
  return history_has(history_orders, ticket, ERR_TRADE_ORDER_NOT_FOUND) ? order_integer(broker().account().orders[ticket], property) : 0;
}
double HistoryOrderGetDouble(ulong ticket, ENUM_ORDER_PROPERTY_DOUBLE property) {
  return history_has(history_orders, ticket, ERR_TRADE_ORDER_NOT_FOUND) ? order_double(broker().account().orders[ticket], property) : 0.0;
}
string HistoryOrderGetString(ulong ticket, ENUM_ORDER_PROPERTY_STRING property) {
  return history_has(history_orders, ticket, ERR_TRADE_ORDER_NOT_FOUND) ? order_string(broker().account().orders[ticket], property) : lit(u"");
}

long HistoryDealGetInteger(ulong ticket, ENUM_DEAL_PROPERTY_INTEGER property) {
  if (!history_has(history_deals, ticket, ERR_TRADE_DEAL_NOT_FOUND)) return 0;
  const deal_record &d = broker().account().deals[ticket];
  switch (property) {
    case DEAL_TICKET: return static_cast<long>(d.ticket);
    case DEAL_ORDER: return static_cast<long>(d.order);
    case DEAL_TIME: return d.time_msc / 1000;
    case DEAL_TIME_MSC: return d.time_msc;
    case DEAL_TYPE: return d.type;
    case DEAL_ENTRY: return d.entry;
    case DEAL_MAGIC: return static_cast<long>(d.magic);
    case DEAL_REASON: return d.reason;
    case DEAL_POSITION_ID: return static_cast<long>(d.position_id);
    default: die("deal property " + EnumToString(property).utf8() + " is not implemented");
  }
}

double HistoryDealGetDouble(ulong ticket, ENUM_DEAL_PROPERTY_DOUBLE property) {
  if (!history_has(history_deals, ticket, ERR_TRADE_DEAL_NOT_FOUND)) return 0;
  const deal_record &d = broker().account().deals[ticket];
  switch (property) {
    case DEAL_VOLUME: return d.volume;
    case DEAL_PRICE: return d.price;
    case DEAL_COMMISSION: return d.commission;
    case DEAL_SWAP: return d.swap;
    case DEAL_PROFIT: return d.profit;
    case DEAL_FEE: return d.fee;
    case DEAL_SL: return d.sl;
    case DEAL_TP: return d.tp;
    default: die("deal property " + EnumToString(property).utf8() + " is not implemented");
  }
}

string HistoryDealGetString(ulong ticket, ENUM_DEAL_PROPERTY_STRING property) {
  if (!history_has(history_deals, ticket, ERR_TRADE_DEAL_NOT_FOUND)) return lit(u"");
  const deal_record &d = broker().account().deals[ticket];
  return property == DEAL_SYMBOL ? string::utf8(d.symbol) : property == DEAL_COMMENT ? string::utf8(d.comment) : lit(u"");
}

}  // namespace mql
