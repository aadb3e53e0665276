// Paths inside of MQL5/Files and the common folder.
#pragma once
#include "types.hpp"

namespace mql {

// The path behind `name`; false when it would leave the sandbox or holds characters Windows refuses.
bool sandboxed(const string &name, int flags, std::string &path);
bool is_directory(const std::string &path);
void make_parents(const std::string &path);
bool is_open_file(const std::string &path);

}  // namespace mql
