#include "api/indicators.hpp"

#include <algorithm>
#include <vector>

#include "api/trade.hpp"
#include "host.hpp"

namespace mql {

namespace {

struct average {
  std::string symbol;
  ENUM_TIMEFRAMES period;
  int length;
  bool exponential;
  bool open;
};

std::vector<average> &averages() {
  static auto *all = new std::vector<average>;
  return *all;
}

// All values, oldest first; an exponential one starts with the first close.
bool calculate(int handle, std::vector<double> &values) {
  if (handle < 0 || handle >= static_cast<int>(averages().size()) || !averages()[static_cast<std::size_t>(handle)].open) {
    fail(ERR_INVALID_PARAMETER);
    return false;
  }
  const average &a = averages()[static_cast<std::size_t>(handle)];
  array<MqlRates> rates;
  const int n = CopyRates(string::utf8(a.symbol), a.period, 0, 1000000, rates);
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    const double close = rates[i].close;
    if (a.exponential) {
      values.push_back(i == 0 ? close : values.back() + (close - values.back()) * 2.0 / (a.length + 1.0));
      continue;
    }
    sum += close - (i >= a.length ? rates[i - a.length].close : 0.0);
    values.push_back(i + 1 >= a.length ? sum / a.length : 0.0);
  }
  return n > 0;
}

}  // namespace

int iMA(const string &symbol, ENUM_TIMEFRAMES period, int length, int shift, ENUM_MA_METHOD method, ENUM_APPLIED_PRICE price) {
  if (shift != 0 || price != PRICE_CLOSE || (method != MODE_EMA && method != MODE_SMA))
    die("iMA: only simple and exponential averages of closes without a shift are implemented");
  if (length < 1) return fail(ERR_INVALID_PARAMETER);
  averages().push_back({symbol.utf8(), period, length, method == MODE_EMA, true});
  return static_cast<int>(averages().size()) - 1;
}

int BarsCalculated(int handle) {
  std::vector<double> values;
  return calculate(handle, values) ? static_cast<int>(values.size()) : -1;
}

int CopyBuffer(int handle, int buffer, int start, int count, array<double> &target) {
  std::vector<double> values;
  if (buffer != 0 || !calculate(handle, values)) return -1;
  const int end = static_cast<int>(values.size()) - start;
  const int first = std::max(0, end - count);
  if (start < 0 || end <= 0) return fail(ERR_HISTORY_NOT_FOUND);
  target.resize(end - first);
  for (int i = first; i < end; ++i) target[i - first] = values[static_cast<std::size_t>(i)];
  return target.size();
}

bool IndicatorRelease(int handle) {
  if (handle < 0 || handle >= static_cast<int>(averages().size())) { fail(ERR_INVALID_PARAMETER); return false; }
  averages()[static_cast<std::size_t>(handle)].open = false;
  return true;
}

}  // namespace mql
