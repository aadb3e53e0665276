#include <charconv>
#include <cstdio>

#include "types.hpp"

namespace mql {

namespace {

void append_utf8(std::string &out, char32_t c) {
  const auto byte = [&out](char32_t v) { out += static_cast<char>(static_cast<unsigned char>(v)); };
  if (c < 0x80) byte(c);
  else if (c < 0x800) { byte(0xC0 | (c >> 6)); byte(0x80 | (c & 0x3F)); }
  else if (c < 0x10000) { byte(0xE0 | (c >> 12)); byte(0x80 | ((c >> 6) & 0x3F)); byte(0x80 | (c & 0x3F)); }
  else { byte(0xF0 | (c >> 18)); byte(0x80 | ((c >> 12) & 0x3F)); byte(0x80 | ((c >> 6) & 0x3F)); byte(0x80 | (c & 0x3F)); }
}

}  // namespace

string string::utf8(const std::string &text) {
  std::u16string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t extra = lead < 0x80 ? 0 : lead >= 0xF0 && lead < 0xF8 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 9;
    char32_t c = extra == 0 ? lead : extra == 1 ? lead & 0x1FU : extra == 2 ? lead & 0x0FU : lead & 0x07U;
    bool good = extra < 4 && i + extra < text.size();
    for (std::size_t k = 1; good && k <= extra; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      good = (next & 0xC0U) == 0x80U;
      c = (c << 6) | (next & 0x3FU);
    }
    if (!good) { out += u'\uFFFD'; ++i; continue; }
    i += extra + 1;
    if (c < 0x10000) out += static_cast<char16_t>(c);
    else {
      out += static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10));
      out += static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF));
    }
  }
  return string(std::move(out));
}

std::string string::utf8() const {
  std::string out;
  out.reserve(units_.size());
  for (std::size_t i = 0; i < units_.size(); ++i) {
    char32_t c = units_[i];
    if (c >= 0xD800 && c < 0xDC00 && i + 1 < units_.size() && units_[i + 1] >= 0xDC00 && units_[i + 1] < 0xE000) {
      c = 0x10000 + ((c - 0xD800) << 10) + (static_cast<char32_t>(units_[i + 1]) - 0xDC00);
      ++i;
    }
    append_utf8(out, c);
  }
  return out;
}

string::string(bool value) : units_(value ? u"true" : u"false"), null_(false) {}

string string::of_number(bool is_signed, ulong bits) {
  return utf8(is_signed ? std::to_string(static_cast<long>(bits)) : std::to_string(bits));
}

string::string(double value) : null_(false) {
  char text[64];
  const int n = std::snprintf(text, sizeof text, "%.16g", value);
  units_.assign(text, text + n);
  if (units_.find_first_of(u".enai") == std::u16string::npos) units_ += u".0";
}

ushort string::at(long index) const {
  if (index < 0 || index >= size()) die("string index " + std::to_string(index) + " of " + std::to_string(size()));
  return units_[static_cast<std::size_t>(index)];
}

string &string::operator+=(const string &other) {
  units_ += other.units_;
  null_ = null_ && other.null_;
  return *this;
}

string unnamed_enum(const string &type, int value) { return type + lit(u"::") + string(value); }

}  // namespace mql
