// Arrays of MQL5: dynamic or of fixed extent, bounds checked, new elements filled with a pattern instead of zeros.
#pragma once
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <new>
#include <utility>

#include "types.hpp"

namespace mql {

template <int N>
struct extent { static_assert(N > 0, "the extent of an array is positive"); };
struct extent_of_list {};

template <class T>
class array {
 public:
  array() = default;
  template <int N>
  explicit array(extent<N>) : fixed_(true) { zeroed_resize(N); }
  template <int N>
  array(extent<N>, std::initializer_list<T> values) : fixed_(true) {
    if (values.size() > static_cast<std::size_t>(N)) die("too many initialisers for an array");
    zeroed_resize(N);
    fill(values);
  }
  array(extent_of_list, std::initializer_list<T> values) : fixed_(true) {
    zeroed_resize(static_cast<int>(values.size()));
    fill(values);
  }
  array(const array &) = delete;
  array &operator=(const array &) = delete;
  ~array() { destroy(); }

  int size() const { return size_; }
  bool fixed() const { return fixed_; }
  T *begin() { return data_; }
  T *end() { return data_ + size_; }
  const T *begin() const { return data_; }
  const T *end() const { return data_ + size_; }
  bool series = false;

  template <class I, if_integer<I> = 0>
  T &operator[](I index) { return data_[place(static_cast<long>(index))]; }
  template <class I, if_integer<I> = 0>
  const T &operator[](I index) const { return data_[place(static_cast<long>(index))]; }

  void resize(int size) {
    if (size < 0) die("ArrayResize to a negative size " + std::to_string(size));
    if (size > capacity_) reserve(size > 2 * capacity_ ? size : 2 * capacity_);
    for (int i = size; i < size_; ++i) data_[i].~T();
    if (size > size_) std::memset(static_cast<void *>(data_ + size_), 0xFE, bytes(size - size_));
    for (int i = size_; i < size; ++i) new (static_cast<void *>(data_ + i)) T;
    size_ = size;
  }
  void reserve(int capacity) {
    if (capacity <= capacity_) return;
    T *moved = static_cast<T *>(::operator new(bytes(capacity)));
    for (int i = 0; i < size_; ++i) {
      new (static_cast<void *>(moved + i)) T(std::move(data_[i]));
      data_[i].~T();
    }
    ::operator delete(data_);
    data_ = moved;
    capacity_ = capacity;
  }
  void copy_from(const array &other) {
    resize(other.size_);
    for (int i = 0; i < size_; ++i) data_[i] = other.data_[i];
    series = other.series;
  }
  void swap(array &other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(series, other.series);
  }

 private:
  static std::size_t bytes(int n) { return static_cast<std::size_t>(n) * sizeof(T); }
  long place(long index) const {
    if (index < 0 || index >= size_)
      die("array out of range: index " + std::to_string(index) + " of " + std::to_string(size_));
    return series ? size_ - 1 - index : index;
  }
  void zeroed_resize(int n) {
    reserve(n);
    for (int i = 0; i < n; ++i) new (static_cast<void *>(data_ + i)) T();
    size_ = n;
  }
  void fill(std::initializer_list<T> values) {
    T *to = data_;
    for (const T &value : values) *to++ = value;
  }
  void destroy() {
    for (int i = 0; i < size_; ++i) data_[i].~T();
    ::operator delete(data_);
  }
  T *data_ = nullptr;
  int size_ = 0;
  int capacity_ = 0;
  bool fixed_ = false;
};

// A field: structs with arrays may be assigned, arrays by themselves may not.
template <class T>
class field_array : public array<T> {
 public:
  using array<T>::array;
  field_array() = default;
  field_array(const field_array &other) : array<T>() { this->copy_from(other); }
  field_array &operator=(const field_array &other) {
    if (this != &other) this->copy_from(other);
    return *this;
  }
};

}  // namespace mql
