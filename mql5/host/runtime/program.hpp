// What the translated program hands to the runtime: its handlers and its inputs.
#pragma once
#include "structs.hpp"

namespace mql {

struct handlers {
  int (*init)();
  void (*deinit)(int reason);
  void (*tick)();
  void (*timer)();
  void (*trade)();
  void (*transaction)(const MqlTradeTransaction &, const MqlTradeRequest &, const MqlTradeResult &);
  void (*chart_event)(int id, const long &lparam, const double &dparam, const string &sparam);
};

extern const handlers program;

long input_integer(const char *name, long otherwise);
double input_real(const char *name, double otherwise);
string input_text(const char *name, const string &otherwise);

// The value of an input: what the settings say, else the source's default. It lives as long as the process.
template <class T>
const T &input(const char *name, const T otherwise) {
  static_assert(!std::is_same_v<T, float>, "inputs of type float are not implemented");
  if constexpr (std::is_same_v<T, string>) return *new string(input_text(name, otherwise));
  else if constexpr (std::is_same_v<T, double>) return *new double(input_real(name, otherwise));
  else if constexpr (std::is_same_v<T, bool>) return *new bool(input_integer(name, otherwise) != 0);
  else if constexpr (std::is_same_v<T, datetime> || std::is_same_v<T, color>) return *new T(input_integer(name, otherwise));
  else return *new T(static_cast<T>(input_integer(name, static_cast<long>(otherwise))));
}

}  // namespace mql
