// Messages, time, program and terminal, timers, errors, global variables, hashes.
#pragma once
#include "../array.hpp"
#include "../format.hpp"
#include "../structs.hpp"

namespace mql {

void print_line(const char *kind, const string &text);
template <class... A> void Print(const A &...values) {
  const format_arg list[] = {format_arg(values)..., format_arg(0)};
  print_line("print", join(list, static_cast<int>(sizeof...(A)), lit(u"")));
}
template <class... A> void PrintFormat(const string &pattern, const A &...values) {
  const format_arg list[] = {format_arg(values)..., format_arg(0)};
  print_line("print", format(pattern, list, static_cast<int>(sizeof...(A))));
}
template <class... A> void Alert(const A &...values) {
  const format_arg list[] = {format_arg(values)..., format_arg(0)};
  print_line("alert", join(list, static_cast<int>(sizeof...(A)), lit(u"")));
}
template <class... A> void Comment(const A &...values) {
  const format_arg list[] = {format_arg(values)..., format_arg(0)};
  print_line("comment", join(list, static_cast<int>(sizeof...(A)), lit(u"")));
}

datetime TimeCurrent();
datetime TimeTradeServer();
datetime TimeLocal();
datetime TimeGMT();
int TimeGMTOffset();
datetime TimeCurrent(MqlDateTime &out);
datetime TimeGMT(MqlDateTime &out);
uint GetTickCount();
ulong GetTickCount64();
ulong GetMicrosecondCount();
void Sleep(int milliseconds);
bool EventSetTimer(int seconds);
bool EventSetMillisecondTimer(int milliseconds);
void EventKillTimer();
bool IsStopped();
void ExpertRemove();
int UninitializeReason();
int GetLastError();
int last_error();
void ResetLastError();
void SetUserError(ushort error);

long TerminalInfoInteger(ENUM_TERMINAL_INFO_INTEGER property);
double TerminalInfoDouble(ENUM_TERMINAL_INFO_DOUBLE property);
string TerminalInfoString(ENUM_TERMINAL_INFO_STRING property);
long MQLInfoInteger(ENUM_MQL_INFO_INTEGER property);
string MQLInfoString(ENUM_MQL_INFO_STRING property);
string Symbol();
ENUM_TIMEFRAMES Period();
double Point();
int Digits();
int PeriodSeconds(ENUM_TIMEFRAMES period = PERIOD_CURRENT);

bool GlobalVariableCheck(const string &name);
double GlobalVariableGet(const string &name);
bool GlobalVariableGet(const string &name, double &value);
datetime GlobalVariableSet(const string &name, double value);
bool GlobalVariableSetOnCondition(const string &name, double value, double check);
bool GlobalVariableTemp(const string &name);
bool GlobalVariableDel(const string &name);
datetime GlobalVariableTime(const string &name);
int GlobalVariablesTotal();
string GlobalVariableName(int index);
void GlobalVariablesFlush();
int GlobalVariablesDeleteAll(const string &prefix = null, datetime limit = 0);

int CryptEncode(ENUM_CRYPT_METHOD method, const array<uchar> &data, const array<uchar> &key, array<uchar> &result);

int WebRequest(const string &method, const string &url, const string &headers, int timeout, const array<char> &data, array<char> &result, string &result_headers);
int WebRequest(const string &method, const string &url, const string &headers, int timeout, const array<uchar> &data, array<uchar> &result, string &result_headers);
int WebRequest(const string &method, const string &url, const string &cookie, const string &referer, int timeout, const array<char> &data, int size, array<char> &result, string &result_headers);

}  // namespace mql
