#include "api/convert.hpp"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <cwctype>

namespace mql {

string::string(datetime value) : string(TimeToString(value, TIME_DATE | TIME_SECONDS)) {}

int StringLen(const string &text) { return text.size(); }

int StringFind(const string &text, const string &what, int start) {
  const std::size_t at = text.units().find(what.units(), start < 0 ? 0 : static_cast<std::size_t>(start));
  return at == std::u16string::npos ? -1 : static_cast<int>(at);
}

string StringSubstr(const string &text, int start, int length) {
  if (start < 0) die("StringSubstr: negative start " + std::to_string(start));
  if (start >= text.size() || length == 0) return lit(u"");
  return string(text.units().substr(static_cast<std::size_t>(start), length < 0 ? std::u16string::npos : static_cast<std::size_t>(length)));
}

int StringReplace(string &text, const string &what, const string &by) {
  if (what.size() == 0) return 0;
  int count = 0;
  std::u16string &units = text.edit();
  for (std::size_t at = 0; (at = units.find(what.units(), at)) != std::u16string::npos; at += by.units().size(), ++count)
    units.replace(at, what.units().size(), by.units());
  return count;
}

bool StringToLower(string &text) {
  for (char16_t &unit : text.edit()) unit = unit < 128 ? static_cast<char16_t>(std::towlower(unit)) : unit;
  return true;
}

bool StringToUpper(string &text) {
  for (char16_t &unit : text.edit()) unit = unit < 128 ? static_cast<char16_t>(std::towupper(unit)) : unit;
  return true;
}

static bool blank(char16_t unit) { return unit == u' ' || unit == u'\t' || unit == u'\n' || unit == u'\r'; }

int StringTrimLeft(string &text) {
  std::size_t n = 0;
  while (n < text.units().size() && blank(text.units()[n])) ++n;
  text.edit().erase(0, n);
  return static_cast<int>(n);
}

int StringTrimRight(string &text) {
  int n = 0;
  while (text.size() > 0 && blank(text.units().back())) { text.edit().pop_back(); ++n; }
  return n;
}

ushort StringGetCharacter(const string &text, int at) { return text.at(at); }

bool StringSetCharacter(string &text, int at, ushort unit) {
  if (at < 0 || at > text.size()) die("StringSetCharacter: position " + std::to_string(at) + " of " + std::to_string(text.size()));
  if (at == text.size()) text.edit() += static_cast<char16_t>(unit);
  else text.edit()[static_cast<std::size_t>(at)] = static_cast<char16_t>(unit);
  return true;
}

int StringCompare(const string &a, const string &b, bool case_sensitive) {
  string left = a, right = b;
  if (!case_sensitive) { StringToLower(left); StringToLower(right); }
  return left < right ? -1 : right < left ? 1 : 0;
}

int StringSplit(const string &text, ushort separator, array<string> &parts) {
  parts.resize(0);
  if (text.size() == 0) return 0;
  std::size_t start = 0;
  while (true) {
    const std::size_t at = text.units().find(static_cast<char16_t>(separator), start);
    parts.resize(parts.size() + 1);
    parts[parts.size() - 1] = string(text.units().substr(start, at == std::u16string::npos ? at : at - start));
    if (at == std::u16string::npos) return parts.size();
    start = at + 1;
  }
}

bool StringAdd(string &text, const string &more) { text += more; return true; }
int StringBufferLen(const string &text) { return text.size(); }
bool StringInit(string &text, int length, ushort unit) { text = string(std::u16string(static_cast<std::size_t>(length), static_cast<char16_t>(unit))); return true; }
bool StringFill(string &text, ushort unit) { return StringInit(text, text.size(), unit); }
bool StringReserve(string &text, uint capacity) { text.edit().reserve(capacity); return true; }
bool StringSetLength(string &text, uint length) { text.edit().resize(length, u' '); return true; }

long StringToInteger(const string &text) { return std::strtol(text.utf8().c_str(), nullptr, 10); }

double StringToDouble(const string &text) {
  const std::string bytes = text.utf8();
  const std::size_t first = bytes.find_first_not_of(" \t");
  if (first == std::string::npos || std::string("+-.0123456789").find(bytes[first]) == std::string::npos) return 0;
  if (bytes.find_first_of("xX", first) != std::string::npos) return 0;
  return std::strtod(bytes.c_str() + first, nullptr);
}

datetime StringToTime(const string &text) {
  int y = 0, m = 0, d = 0, hour = 0, minute = 0, second = 0;
  const int got = std::sscanf(text.utf8().c_str(), "%d.%d.%d %d:%d:%d", &y, &m, &d, &hour, &minute, &second);
  if (got < 3) die("StringToTime(\"" + text.utf8() + "\"): only yyyy.mm.dd [hh:mi[:ss]] is implemented");
  std::tm parts = {};
  parts.tm_year = y - 1900; parts.tm_mon = m - 1; parts.tm_mday = d;
  parts.tm_hour = hour; parts.tm_min = minute; parts.tm_sec = second;
  return datetime(timegm(&parts));
}

string IntegerToString(long number, int width, ushort fill) {
  string out(number);
  while (out.size() < width) out = string(std::u16string(1, static_cast<char16_t>(fill))) + out;
  return out;
}

string DoubleToString(double number, int digits) {
  char text[512];
  const int n = digits >= 0 ? std::snprintf(text, sizeof text, "%.*f", digits > 16 ? 16 : digits, number)
                            : std::snprintf(text, sizeof text, "%.*e", -digits > 16 ? 16 : -digits, number);
  return string::utf8(std::string(text, static_cast<std::size_t>(n)));
}

bool TimeToStruct(datetime time, MqlDateTime &out) {
  const std::time_t seconds = time;
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  out = {parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, parts.tm_wday, parts.tm_yday};
  return true;
}

datetime StructToTime(const MqlDateTime &parts) {
  std::tm tm = {};
  tm.tm_year = parts.year - 1900; tm.tm_mon = parts.mon - 1; tm.tm_mday = parts.day;
  tm.tm_hour = parts.hour; tm.tm_min = parts.min; tm.tm_sec = parts.sec;
  return datetime(timegm(&tm));
}

string TimeToString(datetime time, int mode) {
  MqlDateTime t;
  TimeToStruct(time, t);
  char date[32] = "", clock[16] = "";
  if (mode & TIME_DATE) std::snprintf(date, sizeof date, "%04d.%02d.%02d", t.year, t.mon, t.day);
  if (mode & TIME_SECONDS) std::snprintf(clock, sizeof clock, "%02d:%02d:%02d", t.hour, t.min, t.sec);
  else if (mode & TIME_MINUTES) std::snprintf(clock, sizeof clock, "%02d:%02d", t.hour, t.min);
  return string::utf8(std::string(date) + (*date && *clock ? " " : "") + clock);
}

string CharToString(uchar code) { return string(std::u16string(1, code)); }
string ShortToString(ushort unit) { return string(std::u16string(1, static_cast<char16_t>(unit))); }

string ColorToString(color value, bool name) {
  if (name) die("ColorToString with names is not implemented");
  const int v = value;
  return string::utf8(std::to_string(v & 255) + "," + std::to_string((v >> 8) & 255) + "," + std::to_string((v >> 16) & 255));
}

uint ColorToARGB(color value, uchar alpha) {
  const uint v = static_cast<uint>(static_cast<int>(value));
  return static_cast<uint>(alpha) << 24 | (v & 255U) << 16 | (v & 0xFF00U) | ((v >> 16) & 255U);
}

double NormalizeDouble(double value, int digits) {
  const double scale = std::pow(10.0, digits);
  return std::round(value * scale) / scale;
}

std::string encode(const string &text, uint codepage) {
  if (codepage == CP_UTF8) return text.utf8();
  if (codepage != CP_ACP) die("code page " + std::to_string(codepage) + " is not implemented");
  std::string out;
  for (const char16_t unit : text.units()) out += unit < 128 ? static_cast<char>(unit) : '?';
  return out;
}

string decode(const std::string &bytes, uint codepage) {
  if (codepage == CP_UTF8) return string::utf8(bytes);
  if (codepage != CP_ACP) die("code page " + std::to_string(codepage) + " is not implemented");
  std::u16string out;
  for (const char byte : bytes) out += static_cast<unsigned char>(byte) < 128 ? static_cast<char16_t>(byte) : u'?';
  return string(out);
}

int StringToShortArray(const string &text, array<ushort> &out, int start, int count) {
  const int size = count < 0 ? text.size() + 1 : count < text.size() ? count : text.size();
  if (out.size() < start + size) out.resize(start + size);
  for (int i = 0; i < size; ++i) out[start + i] = i < text.size() ? text.at(i) : ushort{0};
  return size;
}

string ShortArrayToString(const array<ushort> &in, int start, int count) {
  std::u16string out;
  const int end = count < 0 || start + count > in.size() ? in.size() : start + count;
  for (int i = start; i < end && in[i] != 0; ++i) out += static_cast<char16_t>(in[i]);
  return string(out);
}

}  // namespace mql
