#include "json.hpp"

#include <cstdio>
#include <cstdlib>

#include "types.hpp"

namespace mql {

namespace {

class reader {
 public:
  explicit reader(const std::string &source) : s_(source) {}
  json value() {
    blank();
    if (at_ >= s_.size()) fail("ends too early");
    const char c = s_[at_];
    if (c == '{') return members();
    if (c == '[') return items();
    if (c == '"') return json(text());
    if (word("true")) return json(true);
    if (word("false")) return json(false);
    if (word("null")) return json();
    return number();
  }
  void finish() {
    blank();
    if (at_ != s_.size()) fail("has text after its end");
  }

 private:
  [[noreturn]] void fail(const std::string &why) const {
    die("host JSON " + why + " at " + std::to_string(at_) + ": " + s_.substr(at_, 40));
  }
  void blank() { while (at_ < s_.size() && (s_[at_] == ' ' || s_[at_] == '\n' || s_[at_] == '\r' || s_[at_] == '\t')) ++at_; }
  bool word(const char *w) {
    const std::string expected(w);
    if (s_.compare(at_, expected.size(), expected) != 0) return false;
    at_ += expected.size();
    return true;
  }
  bool take(char c) {
    blank();
    if (at_ >= s_.size() || s_[at_] != c) return false;
    ++at_;
    return true;
  }
  json members() {
    json out = json::map();
    ++at_;
    if (take('}')) return out;
    do {
      blank();
      const std::string key = text();
      if (!take(':')) fail("lacks ':'");
      out.set(key, value());
    } while (take(','));
    if (!take('}')) fail("lacks '}'");
    return out;
  }
  json items() {
    json out = json::array();
    ++at_;
    if (take(']')) return out;
    do out.push(value()); while (take(','));
    if (!take(']')) fail("lacks ']'");
    return out;
  }
  std::string text() {
    if (at_ >= s_.size() || s_[at_] != '"') fail("lacks '\"'");
    std::u16string units;
    std::string out;
    for (++at_; at_ < s_.size() && s_[at_] != '"'; ++at_) {
      if (s_[at_] != '\\') { out += s_[at_]; continue; }
      const char c = s_[++at_];
      if (c == 'u') {
        units.assign(1, static_cast<char16_t>(std::strtoul(s_.substr(at_ + 1, 4).c_str(), nullptr, 16)));
        at_ += 4;
        if (units[0] >= 0xD800 && units[0] < 0xDC00 && s_.compare(at_ + 1, 2, "\\u") == 0) {
          units += static_cast<char16_t>(std::strtoul(s_.substr(at_ + 3, 4).c_str(), nullptr, 16));
          at_ += 6;
        }
        out += string(units).utf8();
      } else {
        out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
      }
    }
    ++at_;
    return out;
  }
  json number() {
    const std::size_t start = at_;
    while (at_ < s_.size() && std::string("+-.eE0123456789").find(s_[at_]) != std::string::npos) ++at_;
    const std::string digits = s_.substr(start, at_ - start);
    if (digits.empty()) fail("is no value");
    if (digits.find_first_of(".eE") == std::string::npos) return json(std::strtol(digits.c_str(), nullptr, 10));
    return json(std::strtod(digits.c_str(), nullptr));
  }
  const std::string &s_;
  std::size_t at_ = 0;
};

void quote(std::string &out, const std::string &text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') { out += '\\'; out += c; }
    else if (byte < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      out += code;
    } else out += c;
  }
  out += '"';
}

}  // namespace

json json::parse(const std::string &source) {
  reader in(source);
  json out = in.value();
  in.finish();
  return out;
}

const json &json::operator[](const std::string &key) const {
  static const json missing;
  const auto found = members_.find(key);
  return found == members_.end() ? missing : found->second;
}

json &json::set(const std::string &key, json value) {
  kind_ = object;
  members_[key] = std::move(value);
  return *this;
}

void json::write(std::string &out) const {
  char number[40];
  switch (kind_) {
    case nil: out += "null"; break;
    case boolean: out += whole_ ? "true" : "false"; break;
    case whole: out += std::to_string(whole_); break;
    case real:
      std::snprintf(number, sizeof number, "%.17g", real_);
      out += number;
      break;
    case text: quote(out, text_); break;
    case list: {
      const char *between = "[";
      for (const json &item : items_) { out += between; item.write(out); between = ","; }
      out += items_.empty() ? "[]" : "]";
      break;
    }
    case object: {
      const char *between = "{";
      for (const auto &[key, value] : members_) { out += between; quote(out, key); out += ':'; value.write(out); between = ","; }
      out += members_.empty() ? "{}" : "}";
      break;
    }
  }
}

std::string json::dump() const {
  std::string out;
  write(out);
  return out;
}

}  // namespace mql
