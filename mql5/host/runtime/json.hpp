// JSON for the control channel, the settings and the ledger. The Expert Advisor has its own.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace mql {

class json {
 public:
  enum kind_type { nil, boolean, whole, real, text, list, object };
  json() = default;
  json(bool value) : kind_(boolean), whole_(value) {}
  json(int value) : kind_(whole), whole_(value) {}
  json(unsigned value) : kind_(whole), whole_(value) {}
  json(long value) : kind_(whole), whole_(value) {}
  json(unsigned long value) : kind_(whole), whole_(static_cast<long>(value)) {}
  json(double value) : kind_(real), real_(value) {}
  json(const char *value) : kind_(text), text_(value) {}
  json(std::string value) : kind_(text), text_(std::move(value)) {}
  static json array() { json out; out.kind_ = list; return out; }
  static json map() { json out; out.kind_ = object; return out; }
  // Parse, or abort: the writer is the test driver or the host itself.
  static json parse(const std::string &source);

  kind_type kind() const { return kind_; }
  bool has(const std::string &key) const { return members_.count(key) != 0 && members_.at(key).kind_ != nil; }
  const json &operator[](const std::string &key) const;
  json &set(const std::string &key, json value);
  void push(json value) { kind_ = list; items_.push_back(std::move(value)); }
  const std::vector<json> &items() const { return items_; }
  const std::map<std::string, json> &members() const { return members_; }

  bool flag(bool otherwise = false) const { return kind_ == boolean || kind_ == whole ? whole_ != 0 : otherwise; }
  long integer(long otherwise = 0) const { return kind_ == whole ? whole_ : kind_ == real ? static_cast<long>(real_) : otherwise; }
  double number(double otherwise = 0) const { return kind_ == real ? real_ : kind_ == whole ? static_cast<double>(whole_) : otherwise; }
  std::string str(const std::string &otherwise = "") const { return kind_ == text ? text_ : otherwise; }
  std::string dump() const;

 private:
  void write(std::string &out) const;
  kind_type kind_ = nil;
  long whole_ = 0;
  double real_ = 0;
  std::string text_;
  std::vector<json> items_;
  std::map<std::string, json> members_;
};

}  // namespace mql
