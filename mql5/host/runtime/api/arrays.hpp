// Arrays and memory.
#pragma once
#include <algorithm>

#include "../array.hpp"
#include "../structs.hpp"

namespace mql {

template <class T> int ArraySize(const array<T> &a) { return a.size(); }
template <class T> int ArrayRange(const array<T> &a, int dimension) {
  if (dimension != 0) die("ArrayRange: arrays have one dimension");
  return a.size();
}
template <class T> bool ArrayIsDynamic(const array<T> &a) { return !a.fixed(); }
template <class T> bool ArraySetAsSeries(array<T> &a, bool flag) { a.series = flag; return true; }
template <class T> bool ArrayGetAsSeries(const array<T> &a) { return a.series; }
template <class T> bool ArrayIsSeries(const array<T> &) { return false; }
template <class T> int ArrayResize(array<T> &a, int size, int reserve = 0) {
  if (a.fixed()) die("ArrayResize of an array with a fixed size");
  if (reserve > 0) a.reserve(size + reserve);
  a.resize(size);
  return a.size();
}
template <class T> void ArrayFree(array<T> &a) {
  if (a.fixed()) die("ArrayFree of an array with a fixed size");
  a.resize(0);
}
template <class T, class V> void ArrayFill(array<T> &a, int start, int count, V value) {
  for (int i = 0; i < count; ++i) a[start + i] = static_cast<T>(value);
}
template <class T, class V> int ArrayInitialize(array<T> &a, V value) {
  ArrayFill(a, 0, a.size(), value);
  return a.size();
}
template <class T> int ArrayCopy(array<T> &to, const array<T> &from, int to_start = 0, int from_start = 0, int count = WHOLE_ARRAY) {
  const int have = from.size() - from_start;
  const int n = count < 0 || count > have ? have : count;
  if (n <= 0 || from_start < 0 || to_start < 0) return 0;
  if (to.size() < to_start + n) {
    if (to.fixed()) die("ArrayCopy: the fixed array is too small");
    to.resize(to_start + n);
  }
  if (to.begin() == from.begin() && to_start > from_start) {
    for (int i = n - 1; i >= 0; --i) to[to_start + i] = from[from_start + i];
  } else {
    for (int i = 0; i < n; ++i) to[to_start + i] = from[from_start + i];
  }
  return n;
}
template <class T> bool ArrayRemove(array<T> &a, int start, int count = WHOLE_ARRAY) {
  if (start < 0 || start >= a.size()) return false;
  const int n = count < 0 || start + count > a.size() ? a.size() - start : count;
  for (int i = start; i + n < a.size(); ++i) a[i] = a[i + n];
  a.resize(a.size() - n);
  return true;
}
template <class T> bool ArrayInsert(array<T> &to, const array<T> &from, int at, int start = 0, int count = WHOLE_ARRAY) {
  const int n = count < 0 || start + count > from.size() ? from.size() - start : count;
  if (at < 0 || at > to.size() || n <= 0) return false;
  const int old = to.size();
  to.resize(old + n);
  for (int i = old - 1; i >= at; --i) to[i + n] = to[i];
  for (int i = 0; i < n; ++i) to[at + i] = from[start + i];
  return true;
}
template <class T> bool ArrayReverse(array<T> &a, int start = 0, int count = WHOLE_ARRAY) {
  const int n = count < 0 ? a.size() - start : count;
  if (start < 0 || start + n > a.size()) return false;
  std::reverse(a.begin() + start, a.begin() + start + n);
  return true;
}
template <class T> void ArraySwap(array<T> &a, array<T> &b) {
  if (a.fixed() || b.fixed()) die("ArraySwap of an array with a fixed size");
  a.swap(b);
}
template <class T> bool ArraySort(array<T> &a) {
  static_assert(std::is_arithmetic_v<T>, "ArraySort sorts numbers only");
  std::sort(a.begin(), a.end());
  return true;
}
template <class T> int ArrayBsearch(const array<T> &a, T value) {
  static_assert(std::is_arithmetic_v<T>, "ArrayBsearch searches numbers only");
  const T *found = std::lower_bound(a.begin(), a.end(), value);
  return static_cast<int>((found == a.end() && a.size() > 0 ? found - 1 : found) - a.begin());
}
template <class T> int ArrayMaximum(const array<T> &a, int start = 0, int count = WHOLE_ARRAY) {
  const int n = count < 0 ? a.size() - start : count;
  if (n <= 0 || start < 0 || start + n > a.size()) return -1;
  return static_cast<int>(std::max_element(a.begin() + start, a.begin() + start + n) - a.begin());
}
template <class T> int ArrayMinimum(const array<T> &a, int start = 0, int count = WHOLE_ARRAY) {
  const int n = count < 0 ? a.size() - start : count;
  if (n <= 0 || start < 0 || start + n > a.size()) return -1;
  return static_cast<int>(std::min_element(a.begin() + start, a.begin() + start + n) - a.begin());
}
template <class T> int ArrayCompare(const array<T> &a, const array<T> &b) {
  static_assert(std::is_arithmetic_v<T>, "ArrayCompare compares simple types only");
  for (int i = 0; i < a.size() && i < b.size(); ++i)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

template <class T> void ZeroMemory(T &value) {
  static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_aggregate_v<T> || std::is_same_v<T, string> || std::is_same_v<T, datetime>,
                "ZeroMemory takes simple types and structs without constructors");
  if constexpr (std::is_same_v<T, datetime>) value = 0;
  else value = T{};
}
template <class T> void ZeroMemory(array<T> &a) {
  for (T &element : a) ZeroMemory(element);
}

}  // namespace mql
