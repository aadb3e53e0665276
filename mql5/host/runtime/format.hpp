// Arguments of Print and StringFormat, remembered with their types: a specifier that does not fit aborts.
#pragma once
#include "types.hpp"

namespace mql {

struct format_arg {
  enum kind_type { boolean, whole, real, text, moment, tint };
  kind_type kind;
  bool is_signed = true;
  int bytes = 4;
  ulong bits = 0;
  double number = 0;
  const string *string_value = nullptr;

  format_arg(bool value) : kind(boolean), bytes(1), bits(value ? 1U : 0U) {}
  template <class T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
  format_arg(T value)
      : kind(whole), is_signed(std::is_signed_v<T>), bytes(static_cast<int>(sizeof(T))), bits(static_cast<ulong>(static_cast<long>(value))) {}
  template <class T, std::enable_if_t<std::is_enum_v<T>, int> = 0>
  format_arg(T value) : format_arg(static_cast<int>(value)) {}
  format_arg(double value) : kind(real), bytes(8), number(value) {}
  format_arg(const string &value) : kind(text), string_value(&value) {}
  format_arg(datetime value) : kind(moment), bytes(8), bits(static_cast<ulong>(static_cast<long>(value))) {}
  format_arg(color value) : kind(tint), bits(static_cast<ulong>(static_cast<int>(value))) {}
};

string format(const string &pattern, const format_arg *args, int count);
string join(const format_arg *args, int count, const string &between);

}  // namespace mql
