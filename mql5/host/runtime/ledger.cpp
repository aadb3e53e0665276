// The ledger: one JSON line per change, written before the program hears of it, read again after a restart.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "broker.hpp"

namespace mql {

broker_state &broker() {
  static broker_state *state = new broker_state;
  return *state;
}

broker_state::broker_state() {
  read_settings();
  const std::string path = host().settings["ledger"].str(host().folder + "/ledger.jsonl");
  load_ledger(path);
  ledger_ = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (ledger_ < 0) die("cannot open the ledger " + path);
}

void broker_state::read_settings() {
  const json &settings = host().settings;
  account_record first;
  from_json(first, settings["account"]);
  accounts[first.login] = first;
  current = first.login;
  for (const json &other : settings["other_accounts"].items()) {
    account_record one;
    from_json(one, other);
    accounts[one.login] = one;
  }
  json list = settings["symbols"];
  if (list.items().empty()) {
    list = json::array();
    list.push(json::map().set("name", "EURUSD").set("bid", 1.1).set("ask", 1.10002));
  }
  for (const json &item : list.items()) {
    symbol_spec s;
    from_json(s, item);
    symbols[s.name] = s;
    if (item.has("bid")) quote(s.name, item["bid"].number(), item["ask"].number(), item["time_msc"].integer(server_msc()));
  }
  last_ticket_ = static_cast<ulong>(settings["first_ticket"].integer(5000000000L));
  last_deal_ = static_cast<ulong>(settings["first_deal"].integer(7000000000L));
  for (const json &script : settings["scripts"].items()) scripts.push_back(script);
}

void broker_state::load_ledger(const std::string &path) {
  std::ifstream in(path);
  loading_ = true;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.back() != '}') continue;  // a line cut by a kill was never acted upon
    const json entry = json::parse(line);
    const std::string kind = entry["t"].str();
    account_record &owner = accounts[entry["login"].integer(current)];
    if (kind == "position") {
      position_record p;
      from_json(p, entry);
      const auto same = [&p](const position_record &q) { return q.identifier == p.identifier; };
      owner.positions.erase(std::remove_if(owner.positions.begin(), owner.positions.end(), same), owner.positions.end());
      owner.positions.push_back(p);
      last_ticket_ = std::max(last_ticket_, p.ticket);
    } else if (kind == "gone") {
      const auto id = static_cast<ulong>(entry["identifier"].integer());
      const auto same = [id](const position_record &q) { return q.identifier == id; };
      owner.positions.erase(std::remove_if(owner.positions.begin(), owner.positions.end(), same), owner.positions.end());
    } else if (kind == "order") {
      order_record o;
      from_json(o, entry);
      owner.orders[o.ticket] = o;
      last_ticket_ = std::max(last_ticket_, o.ticket);
    } else if (kind == "deal") {
      deal_record d;
      from_json(d, entry);
      owner.deals[d.ticket] = d;
      last_deal_ = std::max(last_deal_, d.ticket);
    } else if (kind == "balance") {
      owner.balance = entry["balance"].number();
    } else if (kind == "send") {
      sends_ = std::max(sends_, static_cast<ulong>(entry["n"].integer()));
    }
  }
  loading_ = false;
}

void broker_state::ledger_line(json line) {
  line.set("login", current).set("at_ms", host().now_ms());
  const std::string text = line.dump() + "\n";
  if (write(ledger_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) die("cannot write the ledger");
}

void broker_state::ledger_sync() { fdatasync(ledger_); }

void broker_state::keep(const position_record &p) { ledger_line(to_json(p).set("t", "position")); }
void broker_state::keep(const order_record &o) { ledger_line(to_json(o).set("t", "order")); }
void broker_state::keep(const deal_record &d) { ledger_line(to_json(d).set("t", "deal")); }
void broker_state::keep_balance() { ledger_line(json::map().set("t", "balance").set("balance", account().balance)); }
void broker_state::gone(ulong identifier) { ledger_line(json::map().set("t", "gone").set("identifier", identifier)); }

symbol_spec *broker_state::symbol(const std::string &name) {
  const auto it = symbols.find(name);
  return it == symbols.end() ? nullptr : &it->second;
}

json broker_state::state() {
  json out = json::map(), positions = json::array(), orders = json::array(), deals = json::array();
  for (const position_record &p : account().positions) positions.push(to_json(p));
  for (const auto &[ticket, o] : account().orders) orders.push(to_json(o));
  for (const auto &[ticket, d] : account().deals) deals.push(to_json(d));
  return out.set("account", to_json(account())).set("positions", positions).set("orders", orders).set("deals", deals);
}

}  // namespace mql
