#include "commands.hpp"

#include <unistd.h>

#include "broker.hpp"
#include "program.hpp"

namespace mql {

namespace {

json done() { return json(true); }

json quote(const json &c) {
  broker().quote(c["symbol"].str("EURUSD"), c["bid"].number(), c["ask"].number(), c["time_msc"].integer(broker().server_msc()));
  return done();
}

json flags(const json &c) {
  host_state &h = host();
  h.connected = c["connected"].flag(h.connected);
  h.terminal_trade_allowed = c["terminal_trade_allowed"].flag(h.terminal_trade_allowed);
  h.mql_trade_allowed = c["mql_trade_allowed"].flag(h.mql_trade_allowed);
  h.ping_us = c["ping_us"].integer(h.ping_us);
  account_record &a = broker().account();
  a.trade_allowed = c["account_trade_allowed"].flag(a.trade_allowed);
  a.trade_expert = c["account_trade_expert"].flag(a.trade_expert);
  return done();
}

json symbol(const json &c) {
  symbol_spec s;
  if (const symbol_spec *known = broker().symbol(c["name"].str())) s = *known;
  from_json(s, c);
  broker().symbols[s.name] = s;
  return done();
}

json bars(const json &c) {
  std::vector<MqlRates> list;
  for (const json &b : c["bars"].items())
    list.push_back({b["time"].integer(), b["open"].number(), b["high"].number(), b["low"].number(), b["close"].number(), b["tick_volume"].integer(1), static_cast<int>(b["spread"].integer(2)), 0});
  broker().bars[c["symbol"].str("EURUSD") + "/" + std::to_string(c["period"].integer(1))] = list;
  return done();
}

json faults(const json &c) {
  host().web_faults.clear();
  for (const json &fault : c["faults"].items()) host().web_faults.push_back(fault);
  return done();
}

json scripts(const json &c) {
  broker().scripts.clear();
  for (const json &script : c["scripts"].items()) broker().scripts.push_back(script);
  return done();
}

json fill_order(const json &c) {
  broker_state &b = broker();
  const auto ticket = static_cast<ulong>(c["ticket"].integer());
  if (b.account().orders.count(ticket) == 0) die("fill of an unknown order");
  b.fill_by_test(b.account().orders[ticket], c["volume"].number(), c["price"].number());
  return done();
}

json cancel_order(const json &c) {
  broker().cancel_by_test(static_cast<ulong>(c["ticket"].integer()), c["state"].integer(ORDER_STATE_CANCELED));
  return done();
}

json close_position(const json &c) {
  broker_state &b = broker();
  position_record *p = b.position(static_cast<ulong>(c["ticket"].integer()));
  if (p == nullptr) die("close of an unknown position");
  b.close_at(*p, c["price"].number(b.symbol(p->symbol)->tick.bid), c["reason"].integer(DEAL_REASON_CLIENT));
  b.flush_transactions();
  b.ledger_sync();
  return done();
}

json change_ticket(const json &c) {
  position_record *p = broker().position(static_cast<ulong>(c["ticket"].integer()));
  if (p == nullptr) die("change of an unknown position");
  p->ticket = broker().new_ticket();
  broker().keep(*p);
  return json(p->ticket);
}

json hide_deal(const json &c) {
  const auto ticket = static_cast<ulong>(c["ticket"].integer());
  if (c["hidden"].flag(true)) broker().hidden_deals.insert(ticket);
  else broker().hidden_deals.erase(ticket);
  return done();
}

json clone_position(const json &c) {
  broker_state &b = broker();
  if (b.account().positions.empty()) die("no position to clone");
  for (long n = c["count"].integer(1); n > 0; --n) {
    position_record p = b.account().positions.front();
    p.ticket = p.identifier = b.new_ticket();
    p.volume = 0.01;
    p.comment = c["comment"].str(p.comment);
    b.account().positions.push_back(p);
    b.keep(p);
  }
  return done();
}

json balance(const json &c) {
  broker_state &b = broker();
  deal_record d;
  d.ticket = b.new_deal_ticket();
  d.type = DEAL_TYPE_BALANCE;
  d.profit = c["amount"].number();
  d.comment = c["comment"].str();
  d.time_msc = b.server_msc();
  b.account().deals[d.ticket] = d;
  b.keep(d);
  b.account().balance += d.profit;
  b.keep_balance();
  b.post_deal(d);
  b.flush_transactions();
  return json(d.ticket);
}

json chart_event(const json &c) {
  event e = {event::chart};
  e.id = static_cast<int>(c["event_id"].integer());
  e.lparam = c["lparam"].integer();
  e.dparam = c["dparam"].number();
  e.sparam = c["sparam"].str();
  host().post(e);
  return done();
}

json restart(int reason) {
  deinitialise(reason);
  return json(initialise());
}

}  // namespace

void register_commands() {
  host_state &h = host();
  h.on_command("quote", quote);
  h.on_command("flags", flags);
  h.on_command("symbol", symbol);
  h.on_command("bars", bars);
  h.on_command("faults", faults);
  h.on_command("scripts", scripts);
  h.on_command("fill", fill_order);
  h.on_command("cancel", cancel_order);
  h.on_command("close", close_position);
  h.on_command("change_ticket", change_ticket);
  h.on_command("hide_deal", hide_deal);
  h.on_command("clone_position", clone_position);
  h.on_command("balance", balance);
  h.on_command("account_now", [](const json &c) {
    if (broker().accounts.count(c["login"].integer()) == 0) die("switch to an unknown account");
    broker().current = c["login"].integer();
    return done();
  });
  h.on_command("disk", [](const json &c) { host().disk_left = c["left"].integer(-1); return done(); });
  h.on_command("chart_event", chart_event);
  h.on_command("allow", [](const json &c) { host().allowed_urls.push_back(c["url"].str()); return done(); });
  h.on_command("disallow", [](const json &) { host().allowed_urls.clear(); return done(); });
  h.on_command("kill_at", [](const json &c) { host().kill_point = c; return done(); });
  h.on_command("transactions", [](const json &c) { broker().transactions = c; return done(); });
  h.on_command("release", [](const json &) { broker().release_transactions(); return done(); });
  h.on_command("account", [](const json &c) { from_json(broker().account(), c); return done(); });
  h.on_command("state", [](const json &) { return broker().state(); });
  h.on_command("now", [](const json &) { return json(host().now_ms()); });
  h.on_command("displaced", [](const json &) { return json(host().displaced); });

  h.on_main_loop("init", [](const json &) { return json(initialise()); });
  h.on_main_loop("advance", [](const json &c) { advance(c["ms"].integer()); return json(host().now_ms()); });
  h.on_main_loop("chart_change", [](const json &c) {
    if (c.has("symbol")) host().settings.set("symbol", c["symbol"]);
    if (c.has("period")) host().settings.set("period", c["period"]);
    return restart(REASON_CHARTCHANGE);
  });
  h.on_main_loop("switch_account", [](const json &c) {
    const long login = c["login"].integer();
    if (broker().accounts.count(login) == 0) die("switch to an unknown account");
    deinitialise(REASON_ACCOUNT);
    broker().current = login;
    return json(initialise());
  });
  h.on_main_loop("deinit", [](const json &c) { deinitialise(static_cast<int>(c["reason"].integer(REASON_REMOVE))); return done(); });
  h.on_main_loop("quit", [](const json &c) {
    host().answer(c, done());
    _exit(0);
    return done();
  });
}

}  // namespace mql
