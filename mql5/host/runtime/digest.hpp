// SHA-256 (FIPS 180-4) and base64 (RFC 4648).
#pragma once
#include <string>

namespace mql {

std::string sha256(const std::string &bytes);
std::string base64(const std::string &bytes);

}  // namespace mql
