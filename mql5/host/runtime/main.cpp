// The terminal's loop: one thread, handlers one after the other, control commands in between and while the program waits.
#include <fenv.h>


#include "api/common.hpp"
#include "broker.hpp"
#include "commands.hpp"
#include "program.hpp"

namespace mql {

namespace {

bool initialised = false;

void run(handler which, const std::function<void()> &act) {
  host().running = which;
  act();
  host().running = handler::none;
}

void dispatch(const event &e) {
  switch (e.kind) {
    case event::timer: if (program.timer) run(handler::timer, program.timer); break;
    case event::tick: if (program.tick) run(handler::tick, program.tick); break;
    case event::trade: if (program.trade) run(handler::trade, program.trade); break;
    case event::transaction:
      if (program.transaction) run(handler::transaction, [&e] { program.transaction(e.transaction_data, e.request, e.result); });
      break;
    case event::chart: {
      const string sparam = string::utf8(e.sparam);
      if (program.chart_event) run(handler::chart, [&] { program.chart_event(e.id, e.lparam, e.dparam, sparam); });
      break;
    }
  }
}

void timer_if_due() {
  host_state &h = host();
  if (h.timer_ms <= 0 || h.now_ms() < h.timer_due_ms) return;
  h.timer_due_ms = h.now_ms() + h.timer_ms;
  h.post({event::timer});
}

void drain() {
  host_state &h = host();
  while (initialised && !h.queue.empty() && !h.stopping) {
    const event e = h.queue.front();
    h.queue.pop_front();
    dispatch(e);
    broker().pump();
    h.serve(0);
  }
}

}  // namespace

int initialise() {
  int code = 0;
  host().stopping = false;
  run(handler::init, [&code] { code = program.init(); });
  initialised = code == INIT_SUCCEEDED;
  host().say(json::map().set("event", "init").set("code", code));
  if (!initialised) deinitialise(REASON_INITFAILED);
  return code;
}

void deinitialise(int reason) {
  host_state &h = host();
  h.uninit_reason = reason;
  h.stopping = true;
  const long began = steady_ms();
  if (program.deinit) run(handler::deinit, [reason] { program.deinit(reason); });
  const long took = steady_ms() - began;
  if (took > 2500) die("OnDeinit took " + std::to_string(took) + " ms: the terminal stops a program after 2500");
  initialised = false;
  h.timer_ms = 0;
  h.queue.clear();
  h.say(json::map().set("event", "deinit").set("reason", reason).set("ms", took));
}

void advance(long ms) {
  host_state &h = host();
  const long target = h.now_ms() + ms;
  while (h.now_ms() < target || !h.queue.empty()) {
    drain();
    if (h.stopping) break;
    long next = target;
    if (h.timer_ms > 0 && h.timer_due_ms < next) next = h.timer_due_ms;
    const long due = broker().next_due_ms();
    if (due >= 0 && due < next) next = due;
    h.advance_to_ms(next);
    broker().pump();
    if (h.now_ms() <= target) timer_if_due();
    if (h.now_ms() >= target && h.queue.empty()) break;
  }
}

int loop() {
  host_state &h = host();
  bool removed = false;
  while (!removed) {
    h.serve(0);
    broker().pump();
    if (!h.main_loop_commands.empty()) {
      const auto [command, act] = h.main_loop_commands.front();
      h.main_loop_commands.pop_front();
      h.answer(command, act(command));
      continue;
    }
    if (!h.virtual_clock) timer_if_due();
    if (initialised && !h.queue.empty()) {
      const event e = h.queue.front();
      h.queue.pop_front();
      dispatch(e);
    } else {
      long wait = 1000;
      if (!h.virtual_clock && h.timer_ms > 0) wait = std::min(wait, std::max(0L, h.timer_due_ms - h.now_ms()));
      if (const long due = broker().next_due_ms(); !h.virtual_clock && due >= 0) wait = std::min(wait, std::max(0L, due - h.now_ms()));
      h.serve(static_cast<int>(wait));
    }
    if (h.stopping && initialised) { deinitialise(REASON_PROGRAM); removed = true; }
  }
  return 0;
}

}  // namespace mql

int main() {
  feenableexcept(FE_DIVBYZERO);
  mql::register_commands();
  mql::host().say(mql::json::map().set("event", "ready"));
  return mql::loop();
}
