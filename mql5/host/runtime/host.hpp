// The terminal around the program: settings, clock, queue of events, control channel, points at which a test may kill it.
#pragma once
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "json.hpp"
#include "structs.hpp"

namespace mql {

struct event {
  enum kind_type { timer, tick, transaction, trade, chart };
  kind_type kind;
  MqlTradeTransaction transaction_data = {};
  MqlTradeRequest request = {};
  MqlTradeResult result = {};
  int id = 0;
  long lparam = 0;
  double dparam = 0;
  std::string sparam = "";
};

enum class handler { none, init, deinit, tick, timer, trade, transaction, chart };

class host_state {
 public:
  host_state();
  json settings;
  std::string folder;         // the terminal's data folder
  std::string common_folder;  // shared by all terminals
  handler running = handler::none;
  int last_error = 0;
  int uninit_reason = 0;
  bool stopping = false;
  long timer_ms = 0;
  long timer_due_ms = 0;
  bool connected = true;
  bool terminal_trade_allowed = true;
  bool mql_trade_allowed = true;
  long ping_us = 31000;
  std::vector<std::string> allowed_urls;
  std::vector<json> web_faults;
  json kill_point;
  long disk_left = -1;  // bytes that may still be written to files; -1 for any number

  // Clock, in GMT. A virtual one moves only when told to, or while the program sleeps.
  bool virtual_clock = false;
  long now_us() const;
  long now_ms() const { return now_us() / 1000; }
  long boot_us = 0;
  long monotonic_us() const;
  void advance_to_ms(long ms);
  long server_offset_s = 10800;

  // Events for the program. Timer and tick are never queued twice; transactions are displaced beyond 1024.
  void post(const event &e);
  std::deque<event> queue;
  long displaced = 0;

  // Control channel: one JSON object per line, standard input in, standard output out.
  void say(const json &message);
  void log(const std::string &kind, const std::string &text);
  void on_command(const std::string &name, std::function<json(const json &)> act);
  void serve(int timeout_ms);  // handle what has arrived; wait for at most timeout_ms; also on web_fd when >= 0
  bool serve_with(int web_fd, short web_events, int timeout_ms);
  std::deque<std::pair<json, std::function<json(const json &)>>> main_loop_commands;
  void on_main_loop(const std::string &name, std::function<json(const json &)> act);
  void answer(const json &command, json result);

  // A test may ask to be killed at the nth passing of a point.
  void passing(const std::string &point, const std::string &detail = "");

 private:
  void read_input();
  void handle(const std::string &line);
  long virtual_us_ = 0;
  std::string pending_;
  std::vector<std::pair<std::string, std::function<json(const json &)>>> commands_;
  std::vector<std::pair<std::string, std::function<json(const json &)>>> loop_commands_;
};

host_state &host();
long steady_ms();      // real time that only moves forward
int fail(int error);  // sets the last error; returns -1

}  // namespace mql
