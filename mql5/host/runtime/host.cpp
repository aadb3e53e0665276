#include "host.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "program.hpp"

namespace mql {

namespace {

long clock_us(clockid_t id) {
  timespec t = {};
  clock_gettime(id, &t);
  return t.tv_sec * 1000000L + t.tv_nsec / 1000L;
}

json read_settings() {
  const char *path = std::getenv("RUBI_HOST_SETTINGS");
  if (path == nullptr) return json::map();
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) die(std::string("cannot read the settings ") + path);
  return json::parse(text.str());
}

}  // namespace

host_state::host_state() : settings(read_settings()) {
  folder = settings["folder"].str("terminal");
  common_folder = settings["common"].str(folder + "/Common");
  virtual_clock = settings["clock"].str("real") == "virtual";
  virtual_us_ = settings["start_ms"].integer(clock_us(CLOCK_REALTIME) / 1000) * 1000;
  // Ticks count from the machine's start, the same for all terminals of the machine.
  boot_us = settings["boot_ms"].integer(virtual_clock ? 1700000000000L : 0) * 1000;
  server_offset_s = settings["server_offset_s"].integer(10800);
  for (const json &url : settings["allowed_urls"].items()) allowed_urls.push_back(url.str());
  kill_point = settings["kill"];
  for (const char *part : {"", "/MQL5", "/MQL5/Files", "/Common", "/Common/Files"}) mkdir((folder + part).c_str(), 0700);
  mkdir(common_folder.c_str(), 0700);
  mkdir((common_folder + "/Files").c_str(), 0700);
}

long steady_ms() { return clock_us(CLOCK_MONOTONIC) / 1000; }

host_state &host() {
  static host_state *state = new host_state;
  return *state;
}

int fail(int error) {
  host().last_error = error;
  return -1;
}

void die(const std::string &what) {
  json message = json::map();
  message.set("event", "critical").set("text", what);
  host().say(message);
  std::fprintf(stderr, "critical error: %s\n", what.c_str());
  std::abort();
}

long host_state::now_us() const { return virtual_clock ? virtual_us_ : clock_us(CLOCK_REALTIME); }

long host_state::monotonic_us() const { return (virtual_clock ? virtual_us_ : clock_us(CLOCK_MONOTONIC)) - boot_us; }

void host_state::advance_to_ms(long ms) {
  if (ms * 1000 > virtual_us_) virtual_us_ = ms * 1000;
}

void host_state::post(const event &e) {
  if (e.kind == event::timer || e.kind == event::tick || e.kind == event::trade) {
    for (const event &queued : queue)
      if (queued.kind == e.kind) return;
  }
  if (e.kind == event::transaction) {
    long count = 0;
    for (const event &queued : queue) count += queued.kind == event::transaction;
    if (count >= 1024) {
      for (auto it = queue.begin(); it != queue.end(); ++it)
        if (it->kind == event::transaction) { queue.erase(it); ++displaced; break; }
    }
  }
  queue.push_back(e);
}

void host_state::say(const json &message) {
  const std::string line = message.dump() + "\n";
  std::size_t at = 0;
  while (at < line.size()) {
    const ssize_t n = write(STDOUT_FILENO, line.data() + at, line.size() - at);
    if (n < 0 && errno != EINTR) _exit(3);
    if (n > 0) at += static_cast<std::size_t>(n);
  }
}

void host_state::log(const std::string &kind, const std::string &text) {
  json message = json::map();
  message.set("event", kind).set("text", text).set("at_ms", now_ms());
  say(message);
}

void host_state::on_command(const std::string &name, std::function<json(const json &)> act) { commands_.emplace_back(name, std::move(act)); }
void host_state::on_main_loop(const std::string &name, std::function<json(const json &)> act) { loop_commands_.emplace_back(name, std::move(act)); }

void host_state::answer(const json &command, json result) {
  json message = json::map();
  message.set("reply", command["id"]).set("result", std::move(result));
  say(message);
}

void host_state::handle(const std::string &line) {
  const json command = json::parse(line);
  const std::string name = command["cmd"].str();
  for (const auto &[known, act] : commands_)
    if (known == name) { answer(command, act(command)); return; }
  for (const auto &[known, act] : loop_commands_)
    if (known == name) { main_loop_commands.emplace_back(command, act); return; }
  json message = json::map();
  message.set("reply", command["id"]).set("error", "unknown command '" + name + "'");
  say(message);
}

void host_state::read_input() {
  char chunk[65536];
  const ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
  if (n == 0) _exit(0);  // the driver is gone: so is the terminal
  if (n > 0) pending_.append(chunk, static_cast<std::size_t>(n));
  for (std::size_t end; (end = pending_.find('\n')) != std::string::npos;) {
    const std::string line = pending_.substr(0, end);
    pending_.erase(0, end + 1);
    if (!line.empty()) handle(line);
  }
}

bool host_state::serve_with(int web_fd, short web_events, int timeout_ms) {
  pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0}, {web_fd, web_events, 0}};
  const int ready = poll(fds, web_fd >= 0 ? 2 : 1, timeout_ms);
  if (ready > 0 && fds[0].revents != 0) read_input();
  return ready > 0 && web_fd >= 0 && fds[1].revents != 0;
}

void host_state::serve(int timeout_ms) { serve_with(-1, 0, timeout_ms); }

void host_state::passing(const std::string &point, const std::string &detail) {
  if (!kill_point.has("point") || kill_point["point"].str() != point) return;
  std::string packed = detail;  // JSON with and without blanks is the same
  packed.erase(std::remove(packed.begin(), packed.end(), ' '), packed.end());
  if (kill_point.has("contains") && packed.find(kill_point["contains"].str()) == std::string::npos) return;
  const long left = kill_point["nth"].integer(1) - 1;
  kill_point.set("nth", left);
  if (left > 0) return;
  json message = json::map();
  message.set("event", "killed").set("point", point);
  say(message);
  kill(getpid(), SIGKILL);
}

long input_integer(const char *name, long otherwise) {
  const json &value = host().settings["inputs"][name];
  if (value.kind() == json::text) die(std::string("input ") + name + " is a number, not a text");
  return value.kind() == json::nil ? otherwise : value.kind() == json::boolean ? value.flag() : value.integer();
}

double input_real(const char *name, double otherwise) { return host().settings["inputs"][name].number(otherwise); }

string input_text(const char *name, const string &otherwise) {
  const json &value = host().settings["inputs"][name];
  return value.kind() == json::nil ? otherwise : string::utf8(value.str());
}

}  // namespace mql
