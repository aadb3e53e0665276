#include "api/common.hpp"


#include "api/convert.hpp"
#include "api/maths.hpp"
#include "api/trade.hpp"
#include "broker.hpp"
#include "digest.hpp"
#include "host.hpp"

namespace mql {

void print_line(const char *kind, const string &text) { host().log(kind, text.utf8()); }

datetime TimeGMT() { return datetime(host().now_us() / 1000000); }
datetime TimeLocal() { return TimeGMT(); }
datetime TimeTradeServer() { return datetime(host().now_us() / 1000000 + host().server_offset_s); }
datetime TimeCurrent() { return datetime(broker().last_tick_msc() / 1000); }
int TimeGMTOffset() { return 0; }
datetime TimeCurrent(MqlDateTime &out) { const datetime now = TimeCurrent(); TimeToStruct(now, out); return now; }
datetime TimeGMT(MqlDateTime &out) { const datetime now = TimeGMT(); TimeToStruct(now, out); return now; }

ulong GetMicrosecondCount() { return static_cast<ulong>(host().monotonic_us()); }
ulong GetTickCount64() { return GetMicrosecondCount() / 1000; }
uint GetTickCount() { return static_cast<uint>(GetTickCount64()); }

void Sleep(int milliseconds) {
  host_state &h = host();
  if (milliseconds < 0) die("Sleep: negative time");
  if (h.running == handler::transaction) die("Sleep in OnTradeTransaction holds up the queue of 1024 transactions");
  h.say(json::map().set("event", "sleep").set("ms", milliseconds));
  if (h.virtual_clock) {
    h.advance_to_ms(h.now_ms() + milliseconds);
    broker().pump();
    return;
  }
  const long until = h.now_ms() + milliseconds;
  while (!h.stopping && h.now_ms() < until) {
    h.serve(static_cast<int>(until - h.now_ms()));
    broker().pump();
  }
}

bool EventSetMillisecondTimer(int milliseconds) {
  if (milliseconds <= 0) { fail(ERR_INVALID_PARAMETER); return false; }
  host().timer_ms = milliseconds < 10 ? 10 : milliseconds;
  host().timer_due_ms = host().now_ms() + host().timer_ms;
  return true;
}
bool EventSetTimer(int seconds) { return EventSetMillisecondTimer(seconds * 1000); }
void EventKillTimer() { host().timer_ms = 0; }
bool IsStopped() { return host().stopping; }
void ExpertRemove() { host().stopping = true; }
int UninitializeReason() { return host().uninit_reason; }
int GetLastError() { return host().last_error; }
int last_error() { return host().last_error; }
void ResetLastError() { host().last_error = 0; }
void SetUserError(ushort error) { host().last_error = ERR_USER_ERROR_FIRST + error; }

long TerminalInfoInteger(ENUM_TERMINAL_INFO_INTEGER property) {
  const json &terminal = host().settings["terminal"];
  switch (property) {
    case TERMINAL_BUILD: return terminal["build"].integer(4755);
    case TERMINAL_CONNECTED: return host().connected;
    case TERMINAL_TRADE_ALLOWED: return host().terminal_trade_allowed;
    case TERMINAL_PING_LAST: return host().ping_us;
    case TERMINAL_CODEPAGE: return 1252;
    case TERMINAL_X64: return 1;
    case TERMINAL_MAXBARS: return 100000;
    case TERMINAL_DLLS_ALLOWED: case TERMINAL_EMAIL_ENABLED: case TERMINAL_FTP_ENABLED: case TERMINAL_NOTIFICATIONS_ENABLED:
    case TERMINAL_VPS: case TERMINAL_COMMUNITY_ACCOUNT: case TERMINAL_COMMUNITY_CONNECTION: case TERMINAL_MQID: return 0;
    default: die("TerminalInfoInteger(" + EnumToString(property).utf8() + ") is not implemented");
  }
}

double TerminalInfoDouble(ENUM_TERMINAL_INFO_DOUBLE) { return 0; }

string TerminalInfoString(ENUM_TERMINAL_INFO_STRING property) {
  switch (property) {
    case TERMINAL_LANGUAGE: return lit(u"English");
    case TERMINAL_COMPANY: return lit(u"MetaQuotes Ltd.");
    case TERMINAL_NAME: return lit(u"MetaTrader 5");
    case TERMINAL_PATH: case TERMINAL_DATA_PATH: return string::utf8(host().folder);
    case TERMINAL_COMMONDATA_PATH: return string::utf8(host().common_folder);
    default: die("TerminalInfoString(" + EnumToString(property).utf8() + ") is not implemented");
  }
}

long MQLInfoInteger(ENUM_MQL_INFO_INTEGER property) {
  const json &settings = host().settings["mql"];
  switch (property) {
    case MQL_PROGRAM_TYPE: return PROGRAM_EXPERT;
    case MQL_TRADE_ALLOWED: return host().mql_trade_allowed;
    case MQL_TESTER: return settings["tester"].flag();
    case MQL_OPTIMIZATION: return settings["optimization"].flag();
    case MQL_VISUAL_MODE: case MQL_DEBUG: case MQL_PROFILER: case MQL_FRAME_MODE: case MQL_FORWARD: case MQL_DLLS_ALLOWED: case MQL_SIGNALS_ALLOWED: return 0;
    default: die("MQLInfoInteger(" + EnumToString(property).utf8() + ") is not implemented");
  }
}

string MQLInfoString(ENUM_MQL_INFO_STRING property) {
  const std::string name = host().settings["program"].str("RubiStudioConnector");
  return string::utf8(property == MQL_PROGRAM_NAME ? name : host().folder + "/MQL5/Experts/" + name + ".ex5");
}

string Symbol() { return string::utf8(host().settings["symbol"].str("EURUSD")); }

ENUM_TIMEFRAMES Period() { return static_cast<ENUM_TIMEFRAMES>(host().settings["period"].integer(PERIOD_M1)); }
double Point() { return SymbolInfoDouble(Symbol(), SYMBOL_POINT); }
int Digits() { return static_cast<int>(SymbolInfoInteger(Symbol(), SYMBOL_DIGITS)); }

int PeriodSeconds(ENUM_TIMEFRAMES period) {
  const int code = period == PERIOD_CURRENT ? Period() : period;
  if (code == PERIOD_MN1) return 30 * 86400;
  if (code == PERIOD_W1) return 7 * 86400;
  return code >= PERIOD_H1 ? (code - 0x4000) * 3600 : code * 60;
}

int CryptEncode(ENUM_CRYPT_METHOD method, const array<uchar> &data, const array<uchar> &, array<uchar> &result) {
  const std::string bytes(reinterpret_cast<const char *>(data.begin()), static_cast<std::size_t>(data.size()));
  std::string out;
  if (method == CRYPT_HASH_SHA256) out = sha256(bytes);
  else if (method == CRYPT_BASE64) out = base64(bytes);
  else die("CryptEncode(" + EnumToString(method).utf8() + ") is not implemented");
  result.resize(static_cast<int>(out.size()));
  for (int i = 0; i < result.size(); ++i) result[i] = static_cast<uchar>(out[static_cast<std::size_t>(i)]);
  return result.size();
}

static unsigned rand_state = 1;
void MathSrand(int seed) { rand_state = static_cast<unsigned>(seed); }
int MathRand() {
  rand_state = rand_state * 214013U + 2531011U;
  return static_cast<int>((rand_state >> 16) & 0x7FFFU);
}

}  // namespace mql
