#include "digest.hpp"

#include <array>
#include <cmath>
#include <cstdint>

namespace mql {

namespace {

using word = std::uint32_t;

word rotate(word v, unsigned n) { return (v >> n) | (v << (32U - n)); }

// The constants are the first 32 bits of the fractional parts of roots of the first 64 primes (FIPS 180-4, 4.2.2).
std::array<word, 72> constants() {
  std::array<word, 72> out = {};
  unsigned prime = 1;
  for (std::size_t found = 0; found < 64;) {
    ++prime;
    bool is_prime = true;
    for (unsigned d = 2; d * d <= prime; ++d) is_prime = is_prime && prime % d != 0;
    if (!is_prime) continue;
    const long double cube = std::cbrt(static_cast<long double>(prime)), square = std::sqrt(static_cast<long double>(prime));
    out[found] = static_cast<word>((cube - std::floor(cube)) * 4294967296.0L);
    if (found < 8) out[64 + found] = static_cast<word>((square - std::floor(square)) * 4294967296.0L);
    ++found;
  }
  return out;
}

}  // namespace

std::string sha256(const std::string &bytes) {
  static const std::array<word, 72> k = constants();
  std::array<word, 8> h = {};
  for (std::size_t i = 0; i < 8; ++i) h[i] = k[64 + i];
  std::string m = bytes;
  m += static_cast<char>(0x80);
  while (m.size() % 64 != 56) m += '\0';
  for (int shift = 56; shift >= 0; shift -= 8) m += static_cast<char>((static_cast<std::uint64_t>(bytes.size()) * 8U >> shift) & 0xFFU);
  for (std::size_t block = 0; block < m.size(); block += 64) {
    std::array<word, 64> w = {};
    for (std::size_t i = 0; i < 16; ++i)
      for (std::size_t b = 0; b < 4; ++b) w[i] = (w[i] << 8) | static_cast<unsigned char>(m[block + 4 * i + b]);
    for (std::size_t i = 16; i < 64; ++i) {
      const word s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
      const word s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    std::array<word, 8> v = h;
    for (std::size_t i = 0; i < 64; ++i) {
      const word t1 = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
      const word t2 = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
      v = {t1 + t2, v[0], v[1], v[2], v[3] + t1, v[4], v[5], v[6]};
    }
    for (std::size_t i = 0; i < 8; ++i) h[i] += v[i];
  }
  std::string out;
  for (const word part : h)
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((part >> shift) & 0xFFU);
  return out;
}

std::string base64(const std::string &bytes) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    word group = 0;
    for (std::size_t b = 0; b < 3; ++b) group = (group << 8) | (i + b < bytes.size() ? static_cast<unsigned char>(bytes[i + b]) : 0U);
    for (std::size_t d = 0; d < 4; ++d) out += i + d > bytes.size() ? '=' : digits[(group >> (18 - 6 * d)) & 63U];
  }
  return out;
}

}  // namespace mql
