#include "format.hpp"

#include <cstdio>

#include "api/convert.hpp"

namespace mql {

namespace {

struct spec {
  std::string flags;
  std::string size;
  char letter = 0;
};

[[noreturn]] void misfit(const string &pattern, int n, const std::string &why) {
  die("StringFormat(\"" + pattern.utf8() + "\"): argument " + std::to_string(n) + " " + why);
}

std::string kind_name(const format_arg &arg) {
  switch (arg.kind) {
    case format_arg::boolean: return "bool";
    case format_arg::whole: return std::string(arg.is_signed ? "" : "unsigned ") + std::to_string(arg.bytes * 8) + "-bit integer";
    case format_arg::real: return "double";
    case format_arg::text: return "string";
    case format_arg::moment: return "datetime";
    default: return "color";
  }
}

spec read_spec(const std::string &text, std::size_t &at, const string &pattern) {
  spec out;
  while (at < text.size() && std::string("-+ 0#.123456789").find(text[at]) != std::string::npos) out.flags += text[at++];
  if (at < text.size() && text[at] == '*') die("StringFormat(\"" + pattern.utf8() + "\"): '*' is outside the subset");
  if (text.compare(at, 3, "I64") == 0 || text.compare(at, 3, "I32") == 0) {
    out.size = text.compare(at, 3, "I64") == 0 ? "ll" : "";
    at += 3;
  } else {
    while (at < text.size() && (text[at] == 'l' || text[at] == 'h')) out.size += text[at++];
  }
  if (at >= text.size()) die("StringFormat(\"" + pattern.utf8() + "\"): a specifier is not finished");
  out.letter = text[at++];
  return out;
}

void check(const string &pattern, const spec &s, const format_arg &arg, int n) {
  const bool wide = s.size == "ll";
  const bool number = arg.kind == format_arg::whole || arg.kind == format_arg::boolean || arg.kind == format_arg::tint ||
                      arg.kind == format_arg::moment;
  const std::string got = "is a " + kind_name(arg) + ", not what %" + (wide ? "I64" : "") + s.letter + " prints";
  if (!s.size.empty() && !wide) misfit(pattern, n, "uses the size '" + s.size + "': outside the subset");
  switch (s.letter) {
    case 'd': case 'i':
      if (!number || (arg.bytes == 8) != wide || (arg.kind == format_arg::whole && !arg.is_signed && arg.bytes >= 4)) misfit(pattern, n, got);
      return;
    case 'u': case 'x': case 'X':
      if (!number || (arg.bytes == 8) != wide || (s.letter == 'u' && arg.is_signed)) misfit(pattern, n, got);
      return;
    case 'f':
      if (arg.kind != format_arg::real || wide) misfit(pattern, n, got);
      return;
    case 's':
      if (arg.kind != format_arg::text || wide) misfit(pattern, n, got);
      return;
    case 'c':
      if (arg.kind != format_arg::whole || arg.bytes > 2 || wide) misfit(pattern, n, got);
      return;
    default: misfit(pattern, n, std::string("uses %") + s.letter + ": outside the subset");
  }
}

std::string print(const std::string &format, const format_arg &arg, char letter) {
  char small[512];
  int length = 0;
  if (letter == 'f') length = std::snprintf(small, sizeof small, format.c_str(), arg.number);
  else length = std::snprintf(small, sizeof small, format.c_str(), arg.bits);
  if (length < 0 || static_cast<std::size_t>(length) >= sizeof small) die("a formatted number is longer than 511 characters");
  return std::string(small, static_cast<std::size_t>(length));
}

std::string padded(std::string text, const std::string &flags) {
  const bool left = flags.find('-') != std::string::npos;
  const std::size_t dot = flags.find('.');
  std::string width = flags.substr(0, dot);
  if (dot != std::string::npos) text = text.substr(0, std::stoul("0" + flags.substr(dot + 1)));
  width.erase(0, width.find_first_of("123456789") == std::string::npos ? width.size() : width.find_first_of("123456789"));
  const std::size_t want = width.empty() ? 0 : std::stoul(width);
  if (text.size() >= want) return text;
  const std::string fill(want - text.size(), ' ');
  return left ? text + fill : fill + text;
}

}  // namespace

string format(const string &pattern, const format_arg *args, int count) {
  const std::string text = pattern.utf8();
  std::string out;
  int used = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '%') { out += text[at++]; continue; }
    if (++at < text.size() && text[at] == '%') { out += '%'; ++at; continue; }
    const spec s = read_spec(text, at, pattern);
    if (used >= count) die("StringFormat(\"" + text + "\"): only " + std::to_string(count) + " arguments are given");
    const format_arg &arg = args[used++];
    check(pattern, s, arg, used);
    if (s.letter == 's') out += padded(arg.string_value->is_null() ? "(null)" : arg.string_value->utf8(), s.flags);
    else if (s.letter == 'c') out += string(std::u16string(1, static_cast<char16_t>(arg.bits))).utf8();
    else if (s.letter == 'f') out += print("%" + s.flags + "f", arg, 'f');
    else {
      format_arg narrow = arg;
      if (arg.bytes < 8 && s.letter != 'd' && s.letter != 'i') narrow.bits &= 0xFFFFFFFFUL;
      out += print("%" + s.flags + "l" + s.letter, narrow, s.letter);
    }
  }
  if (used != count) die("StringFormat(\"" + text + "\"): " + std::to_string(count) + " arguments for " + std::to_string(used) + " specifiers");
  return string::utf8(out);
}

string join(const format_arg *args, int count, const string &between) {
  string out = lit(u"");
  for (int i = 0; i < count; ++i) {
    const format_arg &arg = args[i];
    if (i) out += between;
    switch (arg.kind) {
      case format_arg::boolean: out += string(arg.bits != 0); break;
      case format_arg::whole: out += arg.is_signed ? string(static_cast<long>(arg.bits)) : string(arg.bits); break;
      case format_arg::real: out += string(arg.number); break;
      case format_arg::text: out += *arg.string_value; break;
      case format_arg::moment: out += TimeToString(datetime(static_cast<long>(arg.bits)), TIME_DATE | TIME_SECONDS); break;
      case format_arg::tint: out += ColorToString(color(static_cast<int>(arg.bits)), false); break;
    }
  }
  return out;
}

}  // namespace mql
