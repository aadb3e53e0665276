// Account and symbol properties, ticks and bars.
#include <algorithm>
#include <cmath>

#include "api/common.hpp"
#include "api/trade.hpp"
#include "broker.hpp"

namespace mql {

long AccountInfoInteger(ENUM_ACCOUNT_INFO_INTEGER property) {
  const account_record &a = broker().account();
  switch (property) {
    case ACCOUNT_LOGIN: return a.login;
    case ACCOUNT_LEVERAGE: return a.leverage;
    case ACCOUNT_LIMIT_ORDERS: return a.limit_orders;
    case ACCOUNT_TRADE_ALLOWED: return a.trade_allowed;
    case ACCOUNT_TRADE_EXPERT: return a.trade_expert;
    case ACCOUNT_FIFO_CLOSE: return a.fifo_close;
    case ACCOUNT_HEDGE_ALLOWED: return a.hedge_allowed;
    case ACCOUNT_CURRENCY_DIGITS: return 2;
    case ACCOUNT_MARGIN_SO_MODE: return ACCOUNT_STOPOUT_MODE_PERCENT;
    case ACCOUNT_TRADE_MODE: return a.trade_mode == "REAL" ? ACCOUNT_TRADE_MODE_REAL : a.trade_mode == "CONTEST" ? ACCOUNT_TRADE_MODE_CONTEST : ACCOUNT_TRADE_MODE_DEMO;
    case ACCOUNT_MARGIN_MODE:
      return a.margin_mode == "HEDGING" ? ACCOUNT_MARGIN_MODE_RETAIL_HEDGING : a.margin_mode == "EXCHANGE" ? ACCOUNT_MARGIN_MODE_EXCHANGE : ACCOUNT_MARGIN_MODE_RETAIL_NETTING;
    default: die("AccountInfoInteger(" + EnumToString(property).utf8() + ") is not implemented");
  }
}

double AccountInfoDouble(ENUM_ACCOUNT_INFO_DOUBLE property) {
  broker_state &b = broker();
  const double equity = b.account().balance + b.account().credit + b.floating(), margin = b.used_margin();
  switch (property) {
    case ACCOUNT_BALANCE: return b.account().balance;
    case ACCOUNT_CREDIT: return b.account().credit;
    case ACCOUNT_PROFIT: return b.floating();
    case ACCOUNT_EQUITY: return equity;
    case ACCOUNT_MARGIN: return margin;
    case ACCOUNT_MARGIN_FREE: return equity - margin;
    case ACCOUNT_MARGIN_LEVEL: return margin > 0 ? equity / margin * 100.0 : 0.0;
    case ACCOUNT_MARGIN_SO_CALL: return 100.0;
    case ACCOUNT_MARGIN_SO_SO: return 50.0;
    default: die("AccountInfoDouble(" + EnumToString(property).utf8() + ") is not implemented");
  }
}

string AccountInfoString(ENUM_ACCOUNT_INFO_STRING property) {
  const account_record &a = broker().account();
  switch (property) {
    case ACCOUNT_NAME: return string::utf8(a.name);
    case ACCOUNT_COMPANY: return string::utf8(a.company);
    case ACCOUNT_SERVER: return string::utf8(a.server);
    case ACCOUNT_CURRENCY: return string::utf8(a.currency);
    default: die("AccountInfoString(" + EnumToString(property).utf8() + ") is not implemented");
  }
}

namespace {

// MetaTrader takes NULL and "" for the chart's symbol.
symbol_spec *symbol_of(const string &name) {
  symbol_spec *s = broker().symbol(name.size() == 0 ? Symbol().utf8() : name.utf8());
  if (s == nullptr) fail(ERR_MARKET_UNKNOWN_SYMBOL);
  return s;
}

symbol_spec *selected_symbol(const string &name) {
  symbol_spec *s = symbol_of(name);
  if (s != nullptr && !s->selected) { fail(ERR_MARKET_NOT_SELECTED); return nullptr; }
  return s;
}

}  // namespace

int SymbolsTotal(bool selected) {
  int count = 0;
  for (const auto &[name, s] : broker().symbols) count += !selected || s.selected;
  return count;
}

string SymbolName(int index, bool selected) {
  for (const auto &[name, s] : broker().symbols)
    if ((!selected || s.selected) && index-- == 0) return string::utf8(name);
  return string();
}

bool SymbolSelect(const string &name, bool select) {
  symbol_spec *s = symbol_of(name);
  if (s != nullptr) s->selected = select;
  return s != nullptr;
}

bool SymbolExist(const string &name, bool &is_custom) {
  is_custom = false;
  return broker().symbol(name.utf8()) != nullptr;
}

bool SymbolIsSynchronized(const string &name) {
  const symbol_spec *s = symbol_of(name);
  return s != nullptr && s->synchronized && host().connected;
}

bool SymbolInfoInteger(const string &name, ENUM_SYMBOL_INFO_INTEGER property, long &value) {
  const symbol_spec *s = symbol_of(name);
  if (s == nullptr) { value = 0; return false; }
  switch (property) {
    case SYMBOL_SELECT: case SYMBOL_VISIBLE: value = s->selected; break;
    case SYMBOL_EXIST: value = 1; break;
    case SYMBOL_CUSTOM: value = 0; break;
    case SYMBOL_DIGITS: value = s->digits; break;
    case SYMBOL_SPREAD: value = std::lround((s->tick.ask - s->tick.bid) / s->point); break;
    case SYMBOL_SPREAD_FLOAT: value = 1; break;
    case SYMBOL_TIME: value = s->tick.time_msc / 1000; break;
    case SYMBOL_TIME_MSC: value = s->tick.time_msc; break;
    case SYMBOL_TRADE_CALC_MODE: value = s->calc_mode; break;
    case SYMBOL_TRADE_MODE: value = s->trade_mode; break;
    case SYMBOL_TRADE_STOPS_LEVEL: value = s->stops_level; break;
    case SYMBOL_TRADE_FREEZE_LEVEL: value = s->freeze_level; break;
    case SYMBOL_TRADE_EXEMODE: value = s->exemode; break;
    case SYMBOL_SWAP_MODE: value = SYMBOL_SWAP_MODE_POINTS; break;
    case SYMBOL_SWAP_ROLLOVER3DAYS: value = WEDNESDAY; break;
    case SYMBOL_EXPIRATION_MODE: value = s->expiration_modes; break;
    case SYMBOL_FILLING_MODE: value = s->filling_flags; break;
    case SYMBOL_ORDER_MODE: value = s->order_modes; break;
    case SYMBOL_START_TIME: case SYMBOL_EXPIRATION_TIME: case SYMBOL_VOLUME: case SYMBOL_ORDER_GTC_MODE: value = 0; break;
    default: die("SymbolInfoInteger(" + EnumToString(property).utf8() + ") is not implemented");
  }
  return true;
}

bool SymbolInfoDouble(const string &name, ENUM_SYMBOL_INFO_DOUBLE property, double &value) {
  const symbol_spec *s = symbol_of(name);
  if (s == nullptr) { value = 0; return false; }
  switch (property) {
    case SYMBOL_BID: value = s->tick.bid; break;
    case SYMBOL_ASK: value = s->tick.ask; break;
    case SYMBOL_LAST: value = 0; break;
    case SYMBOL_POINT: value = s->point; break;
    case SYMBOL_TRADE_TICK_VALUE: case SYMBOL_TRADE_TICK_VALUE_PROFIT: value = s->tick_value_profit; break;
    case SYMBOL_TRADE_TICK_VALUE_LOSS: value = s->tick_value_loss; break;
    case SYMBOL_TRADE_TICK_SIZE: value = s->tick_size; break;
    case SYMBOL_TRADE_CONTRACT_SIZE: value = s->contract_size; break;
    case SYMBOL_VOLUME_MIN: value = s->volume_min; break;
    case SYMBOL_VOLUME_MAX: value = s->volume_max; break;
    case SYMBOL_VOLUME_STEP: value = s->volume_step; break;
    case SYMBOL_VOLUME_LIMIT: value = s->volume_limit; break;
    case SYMBOL_SWAP_LONG: value = s->swap_long; break;
    case SYMBOL_SWAP_SHORT: value = s->swap_short; break;
    case SYMBOL_MARGIN_INITIAL: value = s->margin_initial; break;
    case SYMBOL_MARGIN_MAINTENANCE: case SYMBOL_MARGIN_HEDGED: value = 0; break;
    default: die("SymbolInfoDouble(" + EnumToString(property).utf8() + ") is not implemented");
  }
  return true;
}

bool SymbolInfoString(const string &name, ENUM_SYMBOL_INFO_STRING property, string &value) {
  const symbol_spec *s = symbol_of(name);
  if (s == nullptr) { value = lit(u""); return false; }
  switch (property) {
    case SYMBOL_CURRENCY_BASE: value = string::utf8(s->base); break;
    case SYMBOL_CURRENCY_PROFIT: value = string::utf8(s->profit); break;
    case SYMBOL_CURRENCY_MARGIN: value = string::utf8(s->margin); break;
    case SYMBOL_DESCRIPTION: value = string::utf8(s->description); break;
    case SYMBOL_PATH: value = string::utf8("Forex\\" + s->name); break;
    default: die("SymbolInfoString(" + EnumToString(property).utf8() + ") is not implemented");
  }
  return true;
}

long SymbolInfoInteger(const string &name, ENUM_SYMBOL_INFO_INTEGER property) { long value = 0; SymbolInfoInteger(name, property, value); return value; }
double SymbolInfoDouble(const string &name, ENUM_SYMBOL_INFO_DOUBLE property) { double value = 0; SymbolInfoDouble(name, property, value); return value; }
string SymbolInfoString(const string &name, ENUM_SYMBOL_INFO_STRING property) { string value; SymbolInfoString(name, property, value); return value; }

bool SymbolInfoTick(const string &name, MqlTick &tick) {
  const symbol_spec *s = selected_symbol(name);
  if (s == nullptr) return false;
  if (s->tick.time_msc == 0) { fail(ERR_MARKET_LASTTIME_UNKNOWN); return false; }
  tick = s->tick;
  return true;
}

bool SymbolInfoMarginRate(const string &name, ENUM_ORDER_TYPE, double &initial, double &maintenance) {
  const symbol_spec *s = symbol_of(name);
  if (s == nullptr) return false;
  initial = maintenance = s->margin_rate;
  return true;
}

bool SymbolInfoSessionTrade(const string &name, ENUM_DAY_OF_WEEK day, uint index, datetime &from, datetime &to) {
  if (symbol_of(name) == nullptr || index > 0 || day == SATURDAY || day == SUNDAY) { fail(ERR_MARKET_WRONG_PROPERTY); return false; }
  from = 0;
  to = 86400;
  return true;
}

int CopyTicksRange(const string &name, array<MqlTick> &ticks, int, ulong from_msc, ulong to_msc) {
  const symbol_spec *s = selected_symbol(name);
  if (s == nullptr) return -1;
  ticks.resize(0);
  for (const MqlTick &tick : s->ticks) {
    const auto at = static_cast<ulong>(tick.time_msc);
    if (at < from_msc || (to_msc > 0 && at > to_msc)) continue;
    ticks.resize(ticks.size() + 1);
    ticks[ticks.size() - 1] = tick;
  }
  return ticks.size();
}

int CopyTicks(const string &name, array<MqlTick> &ticks, int flags, ulong from_msc, uint count) {
  const int have = CopyTicksRange(name, ticks, flags, from_msc, 0);
  const int want = count == 0 ? 2000 : static_cast<int>(count);
  if (have <= want) return have;
  // From a moment: the first ones; without one: the last ones.
  if (from_msc == 0)
    for (int i = 0; i < want; ++i) ticks[i] = ticks[have - want + i];
  ticks.resize(want);
  return want;
}

namespace {

const std::vector<MqlRates> *bars_of(const string &name, ENUM_TIMEFRAMES period) {
  const int code = period == PERIOD_CURRENT ? Period() : period;
  const auto it = broker().bars.find((name.size() == 0 ? Symbol() : name).utf8() + "/" + std::to_string(code));
  if (it == broker().bars.end() || it->second.empty()) { fail(ERR_HISTORY_NOT_FOUND); return nullptr; }
  return &it->second;
}

}  // namespace

int CopyRates(const string &name, ENUM_TIMEFRAMES period, int start, int count, array<MqlRates> &rates) {
  const auto *bars = bars_of(name, period);
  if (bars == nullptr) return -1;
  const int end = static_cast<int>(bars->size()) - start;
  const int first = std::max(0, end - count);
  if (start < 0 || end <= 0) return fail(ERR_HISTORY_NOT_FOUND);
  rates.resize(end - first);
  for (int i = first; i < end; ++i) rates[i - first] = (*bars)[static_cast<std::size_t>(i)];
  return rates.size();
}

int CopyRates(const string &name, ENUM_TIMEFRAMES period, datetime from, datetime to, array<MqlRates> &rates) {
  const auto *bars = bars_of(name, period);
  if (bars == nullptr) return -1;
  rates.resize(0);
  for (const MqlRates &bar : *bars) {
    if (bar.time < from || bar.time > to) continue;
    rates.resize(rates.size() + 1);
    rates[rates.size() - 1] = bar;
  }
  return rates.size();
}

long SeriesInfoInteger(const string &name, ENUM_TIMEFRAMES period, ENUM_SERIES_INFO_INTEGER property) {
  if (property != SERIES_SYNCHRONIZED) die("SeriesInfoInteger(" + EnumToString(property).utf8() + ") is not implemented");
  return bars_of(name, period) != nullptr && host().connected;
}

datetime iTime(const string &name, ENUM_TIMEFRAMES period, int shift) {
  const auto *bars = bars_of(name, period);
  if (bars == nullptr || shift < 0 || shift >= static_cast<int>(bars->size())) return 0;
  return (*bars)[bars->size() - 1 - static_cast<std::size_t>(shift)].time;
}

}  // namespace mql
