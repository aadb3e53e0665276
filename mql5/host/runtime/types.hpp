// The simple types of MQL5. On LP64 Linux its integers are C++'s own; string, datetime and color are classes that
// convert to nothing by themselves, so that what MetaEditor warns about does not compile here.
#pragma once
#include <cstdint>
#include <string>
#include <type_traits>

namespace mql {

using uchar = unsigned char;
using ushort = unsigned short;
using uint = unsigned int;
using ulong = unsigned long;

struct null_type {};
inline constexpr null_type null{};

// Report and abort: what MetaTrader calls a critical error, and what the host does not forgive.
[[noreturn]] void die(const std::string &what);

template <class T>
using if_integer = std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>, int>;

class datetime {
 public:
  datetime() = default;
  template <class T, if_integer<T> = 0>
  constexpr datetime(T seconds) : seconds_(static_cast<long>(seconds)) {}
  template <class T, std::enable_if_t<std::is_floating_point_v<T>, int> = 0>
  explicit constexpr datetime(T seconds) : seconds_(static_cast<long>(seconds)) {}
  constexpr operator long() const { return seconds_; }
  datetime &operator+=(long seconds) { seconds_ += seconds; return *this; }
  datetime &operator-=(long seconds) { seconds_ -= seconds; return *this; }

 private:
  long seconds_;
};

class color {
 public:
  color() = default;
  template <class T, if_integer<T> = 0>
  constexpr color(T value) : value_(static_cast<int>(value)) {}
  constexpr operator int() const { return value_; }

 private:
  int value_;
};

// UTF-16 as in MetaTrader; NULL and "" are different strings.
class string {
 public:
  string() = default;
  string(null_type) {}
  explicit string(std::u16string units) : units_(std::move(units)), null_(false) {}
  explicit string(bool value);
  template <class T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
  explicit string(T value) : string(of_number(std::is_signed_v<T>, static_cast<ulong>(value))) {}
  explicit string(double value);
  explicit string(datetime value);

  static string utf8(const std::string &text);
  std::string utf8() const;
  const std::u16string &units() const { return units_; }
  std::u16string &edit() { null_ = false; return units_; }
  bool is_null() const { return null_; }
  int size() const { return static_cast<int>(units_.size()); }

  template <class I, if_integer<I> = 0>
  ushort operator[](I index) const { return at(static_cast<long>(index)); }
  ushort at(long index) const;

  string &operator+=(const string &other);
  friend string operator+(const string &a, const string &b) { string out(a); out += b; return out; }
  friend bool operator==(const string &a, const string &b) { return a.null_ == b.null_ && a.units_ == b.units_; }
  friend bool operator!=(const string &a, const string &b) { return !(a == b); }
  friend bool operator<(const string &a, const string &b) { return a.units_ < b.units_; }
  friend bool operator>(const string &a, const string &b) { return b < a; }
  friend bool operator<=(const string &a, const string &b) { return !(b < a); }
  friend bool operator>=(const string &a, const string &b) { return !(a < b); }

 private:
  static string of_number(bool is_signed, ulong bits);
  std::u16string units_;
  bool null_ = true;
};

template <std::size_t N>
string lit(const char16_t (&units)[N]) { return string(std::u16string(units, N - 1)); }

string unnamed_enum(const string &type, int value);

}  // namespace mql
