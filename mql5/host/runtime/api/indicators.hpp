// The moving average, for the example strategy.
#pragma once
#include "../array.hpp"
#include "../structs.hpp"

namespace mql {

int iMA(const string &symbol, ENUM_TIMEFRAMES period, int length, int shift, ENUM_MA_METHOD method, ENUM_APPLIED_PRICE price);
int BarsCalculated(int handle);
int CopyBuffer(int handle, int buffer, int start, int count, array<double> &values);
bool IndicatorRelease(int handle);

}  // namespace mql
