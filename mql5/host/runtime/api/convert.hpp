// Strings and conversions.
#pragma once
#include "../array.hpp"
#include "../format.hpp"
#include "../structs.hpp"

namespace mql {

int StringLen(const string &text);
int StringFind(const string &text, const string &what, int start = 0);
string StringSubstr(const string &text, int start, int length = -1);
int StringReplace(string &text, const string &what, const string &by);
bool StringToLower(string &text);
bool StringToUpper(string &text);
int StringTrimLeft(string &text);
int StringTrimRight(string &text);
ushort StringGetCharacter(const string &text, int at);
bool StringSetCharacter(string &text, int at, ushort unit);
int StringCompare(const string &a, const string &b, bool case_sensitive = true);
int StringSplit(const string &text, ushort separator, array<string> &parts);
bool StringAdd(string &text, const string &more);
int StringBufferLen(const string &text);
bool StringInit(string &text, int length = 0, ushort unit = 0);
bool StringFill(string &text, ushort unit);
bool StringReserve(string &text, uint capacity);
bool StringSetLength(string &text, uint length);
long StringToInteger(const string &text);
double StringToDouble(const string &text);
datetime StringToTime(const string &text);
string IntegerToString(long number, int width = 0, ushort fill = ' ');
template <class T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
string IntegerToString(T number, int width = 0, ushort fill = ' ') {
  static_assert(!std::is_same_v<T, ulong>, "IntegerToString takes long: cast the ulong, or use StringFormat with %I64u");
  return IntegerToString(static_cast<long>(number), width, fill);
}
string DoubleToString(double number, int digits = 8);
string TimeToString(datetime time, int mode = TIME_DATE | TIME_MINUTES);
bool TimeToStruct(datetime time, MqlDateTime &out);
datetime StructToTime(const MqlDateTime &parts);
string CharToString(uchar code);
string ShortToString(ushort unit);
string ColorToString(color value, bool name = false);
uint ColorToARGB(color value, uchar alpha = 255);
double NormalizeDouble(double value, int digits);

std::string encode(const string &text, uint codepage);
string decode(const std::string &bytes, uint codepage);

template <class C>
int StringToCharArray(const string &text, array<C> &out, int start = 0, int count = -1, uint codepage = CP_ACP) {
  static_assert(sizeof(C) == 1, "StringToCharArray fills an array of uchar or char");
  std::string bytes = encode(text, codepage);
  if (count < 0) bytes += '\0';
  else if (static_cast<std::size_t>(count) < bytes.size()) bytes.resize(static_cast<std::size_t>(count));
  const int size = static_cast<int>(bytes.size());
  if (start < 0) die("StringToCharArray: negative start");
  if (out.size() < start + size) {
    if (out.fixed()) die("StringToCharArray: the fixed array is too small");
    out.resize(start + size);
  }
  for (int i = 0; i < size; ++i) out[start + i] = static_cast<C>(bytes[static_cast<std::size_t>(i)]);
  return size;
}

template <class C>
string CharArrayToString(const array<C> &in, int start = 0, int count = -1, uint codepage = CP_ACP) {
  static_assert(sizeof(C) == 1, "CharArrayToString reads an array of uchar or char");
  std::string bytes;
  const int end = count < 0 || start + count > in.size() ? in.size() : start + count;
  for (int i = start; i < end && in[i] != 0; ++i) bytes += static_cast<char>(in[i]);
  return decode(bytes, codepage);
}

int StringToShortArray(const string &text, array<ushort> &out, int start = 0, int count = -1);
string ShortArrayToString(const array<ushort> &in, int start = 0, int count = -1);

template <class... A>
string StringFormat(const string &pattern, const A &...values) {
  const format_arg list[] = {format_arg(values)..., format_arg(0)};
  return format(pattern, list, static_cast<int>(sizeof...(A)));
}
template <class... A>
int StringConcatenate(string &out, const A &...values) {
  const format_arg list[] = {format_arg(values)..., format_arg(0)};
  out = join(list, static_cast<int>(sizeof...(A)), lit(u""));
  return out.size();
}

}  // namespace mql
