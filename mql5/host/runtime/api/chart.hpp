// The chart, as far as a status panel and custom events need it.
#pragma once
#include "../structs.hpp"

namespace mql {

long ChartID();
long ChartFirst();
long ChartNext(long chart);
string ChartSymbol(long chart = 0);
ENUM_TIMEFRAMES ChartPeriod(long chart = 0);
void ChartRedraw(long chart = 0);
bool EventChartCustom(long chart, ushort id, long lparam, double dparam, const string &sparam);
bool ObjectCreate(long chart, const string &name, ENUM_OBJECT type, int window, datetime time, double price);
bool ObjectDelete(long chart, const string &name);
int ObjectFind(long chart, const string &name);
int ObjectsDeleteAll(long chart, const string &prefix, int window = -1, int type = -1);
int ObjectsDeleteAll(long chart, int window = -1, int type = -1);
int ObjectsTotal(long chart, int window = -1, int type = -1);
string ObjectName(long chart, int index, int window = -1, int type = -1);
bool ObjectSetInteger(long chart, const string &name, ENUM_OBJECT_PROPERTY_INTEGER property, long value);
bool ObjectSetDouble(long chart, const string &name, ENUM_OBJECT_PROPERTY_DOUBLE property, double value);
bool ObjectSetString(long chart, const string &name, ENUM_OBJECT_PROPERTY_STRING property, const string &value);
long ObjectGetInteger(long chart, const string &name, ENUM_OBJECT_PROPERTY_INTEGER property);
string ObjectGetString(long chart, const string &name, ENUM_OBJECT_PROPERTY_STRING property);

}  // namespace mql
