// Global variables of the terminal: shared by all its programs, kept on disk, changed under a lock.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <functional>

#include "api/common.hpp"
#include "host.hpp"

namespace mql {

namespace {

constexpr long four_weeks_s = 28L * 86400L;

struct entry {
  double value;
  long used;
};
using variables = std::map<std::string, entry>;

variables load(int fd) {
  std::string text;
  char chunk[65536];
  lseek(fd, 0, SEEK_SET);
  for (ssize_t n; (n = read(fd, chunk, sizeof chunk)) > 0;) text.append(chunk, static_cast<std::size_t>(n));
  variables out;
  if (text.empty()) return out;
  const json stored = json::parse(text);
  const long now = host().now_us() / 1000000;
  for (const auto &[name, item] : stored.members())
    if (now - item["used"].integer() < four_weeks_s) out[name] = {item["value"].number(), item["used"].integer()};
  return out;
}

void store(int fd, const variables &all) {
  json out = json::map();
  for (const auto &[name, item] : all) {
    json one = json::map();
    one.set("value", item.value).set("used", item.used);
    out.set(name, one);
  }
  const std::string text = out.dump();
  if (ftruncate(fd, 0) != 0 || pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) die("cannot write the global variables");
}

// Run `act` on the variables under the lock; write it back when `act` says that it changed.
void locked(const std::function<bool(variables &, long)> &act) {
  const int fd = open((host().folder + "/globals.json").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) die("cannot open the global variables");
  flock(fd, LOCK_EX);
  variables all = load(fd);
  if (act(all, host().now_us() / 1000000)) store(fd, all);
  close(fd);
}

std::string checked(const string &name) {
  if (name.size() == 0 || name.size() > 63) die("the name of a global variable has 1 to 63 characters: \"" + name.utf8() + "\"");
  return name.utf8();
}

}  // namespace

bool GlobalVariableCheck(const string &name) {
  bool found = false;
  locked([&](variables &all, long) { found = all.count(checked(name)) != 0; return false; });
  return found;
}

bool GlobalVariableGet(const string &name, double &value) {
  bool found = false;
  locked([&](variables &all, long now) {
    const auto it = all.find(checked(name));
    if (it == all.end()) return false;
    found = true;
    value = it->second.value;
    it->second.used = now;
    return true;
  });
  if (!found) fail(ERR_GLOBALVARIABLE_NOT_FOUND);
  return found;
}

double GlobalVariableGet(const string &name) {
  double value = 0;
  GlobalVariableGet(name, value);
  return value;
}

datetime GlobalVariableSet(const string &name, double value) {
  locked([&](variables &all, long now) { all[checked(name)] = {value, now}; return true; });
  return datetime(host().now_us() / 1000000);
}

bool GlobalVariableSetOnCondition(const string &name, double value, double check) {
  bool done = false;
  int error = 0;
  locked([&](variables &all, long now) {
    const auto it = all.find(checked(name));
    if (it == all.end()) { error = ERR_GLOBALVARIABLE_NOT_FOUND; return false; }
    if (it->second.value < check || it->second.value > check) { error = ERR_GLOBALVARIABLE_NOT_MODIFIED; return false; }
    it->second = {value, now};
    return done = true;
  });
  if (!done) fail(error);
  return done;
}

bool GlobalVariableTemp(const string &name) {
  bool fresh = false;
  locked([&](variables &all, long now) { return fresh = all.emplace(checked(name), entry{0, now}).second; });
  if (!fresh) fail(ERR_GLOBALVARIABLE_EXISTS);
  return fresh;
}

bool GlobalVariableDel(const string &name) {
  bool found = false;
  locked([&](variables &all, long) { return found = all.erase(checked(name)) != 0; });
  if (!found) fail(ERR_GLOBALVARIABLE_NOT_FOUND);
  return found;
}

datetime GlobalVariableTime(const string &name) {
  long used = 0;
  locked([&](variables &all, long) {
    const auto it = all.find(checked(name));
    used = it == all.end() ? 0 : it->second.used;
    return false;
  });
  if (used == 0) fail(ERR_GLOBALVARIABLE_NOT_FOUND);
  return datetime(used);
}

int GlobalVariablesTotal() {
  int count = 0;
  locked([&](variables &all, long) { count = static_cast<int>(all.size()); return false; });
  return count;
}

string GlobalVariableName(int index) {
  string out;
  locked([&](variables &all, long) {
    int i = 0;
    for (const auto &[name, item] : all)
      if (i++ == index) out = string::utf8(name);
    return false;
  });
  return out;
}

void GlobalVariablesFlush() {}

int GlobalVariablesDeleteAll(const string &prefix, datetime limit) {
  int count = 0;
  locked([&](variables &all, long) {
    for (auto it = all.begin(); it != all.end();) {
      const bool named = it->first.compare(0, prefix.utf8().size(), prefix.utf8()) == 0;
      if (named && (limit == 0 || it->second.used < limit)) { it = all.erase(it); ++count; }
      else ++it;
    }
    return count > 0;
  });
  return count;
}

}  // namespace mql
