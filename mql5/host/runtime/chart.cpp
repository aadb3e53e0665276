#include "api/chart.hpp"

#include "api/common.hpp"
#include "host.hpp"

namespace mql {

namespace {

constexpr long chart_id = 132000000000000001L;

struct drawn {
  ENUM_OBJECT type;
  std::map<int, long> integers;
  std::map<int, double> doubles;
  std::map<int, std::string> strings;
};

std::map<std::string, drawn> &objects() {
  static auto *all = new std::map<std::string, drawn>;
  return *all;
}

drawn *drawn_at(long chart, const string &name) {
  if (chart != 0 && chart != chart_id) { fail(ERR_CHART_WRONG_ID); return nullptr; }
  const auto it = objects().find(name.utf8());
  if (it == objects().end()) { fail(ERR_OBJECT_NOT_FOUND); return nullptr; }
  return &it->second;
}

}  // namespace

long ChartID() { return chart_id; }
long ChartFirst() { return chart_id; }
long ChartNext(long chart) { return chart == 0 ? chart_id : -1; }
string ChartSymbol(long) { return Symbol(); }
ENUM_TIMEFRAMES ChartPeriod(long) { return Period(); }
void ChartRedraw(long) {}

bool EventChartCustom(long chart, ushort id, long lparam, double dparam, const string &sparam) {
  if (chart != 0 && chart != chart_id) { fail(ERR_CHART_NOT_FOUND); return false; }
  event e = {event::chart};
  e.id = CHARTEVENT_CUSTOM + id;
  e.lparam = lparam;
  e.dparam = dparam;
  e.sparam = sparam.utf8();
  host().post(e);
  return true;
}

bool ObjectCreate(long chart, const string &name, ENUM_OBJECT type, int window, datetime, double) {
  if ((chart != 0 && chart != chart_id) || window != 0) { fail(ERR_CHART_WRONG_ID); return false; }
  if (name.size() == 0 || name.size() > 63) die("the name of an object has 1 to 63 characters");
  if (objects().count(name.utf8()) != 0) { fail(ERR_OBJECT_ERROR); return false; }
  objects()[name.utf8()].type = type;
  return true;
}

bool ObjectDelete(long chart, const string &name) {
  if (drawn_at(chart, name) == nullptr) return false;
  objects().erase(name.utf8());
  return true;
}

int ObjectFind(long chart, const string &name) { return drawn_at(chart, name) == nullptr ? -1 : 0; }

int ObjectsDeleteAll(long, const string &prefix, int, int type) {
  int count = 0;
  for (auto it = objects().begin(); it != objects().end();) {
    const bool hit = it->first.compare(0, prefix.utf8().size(), prefix.utf8()) == 0 && (type < 0 || it->second.type == type);
    if (hit) { it = objects().erase(it); ++count; }
    else ++it;
  }
  return count;
}

int ObjectsDeleteAll(long chart, int window, int type) { return ObjectsDeleteAll(chart, string(), window, type); }

int ObjectsTotal(long, int, int type) {
  int count = 0;
  for (const auto &[name, object] : objects()) count += type < 0 || object.type == type;
  return count;
}

string ObjectName(long, int index, int, int type) {
  for (const auto &[name, object] : objects())
    if ((type < 0 || object.type == type) && index-- == 0) return string::utf8(name);
  return string();
}

bool ObjectSetInteger(long chart, const string &name, ENUM_OBJECT_PROPERTY_INTEGER property, long value) {
  drawn *object = drawn_at(chart, name);
  if (object != nullptr) object->integers[property] = value;
  return object != nullptr;
}

bool ObjectSetDouble(long chart, const string &name, ENUM_OBJECT_PROPERTY_DOUBLE property, double value) {
  drawn *object = drawn_at(chart, name);
  if (object != nullptr) object->doubles[property] = value;
  return object != nullptr;
}

bool ObjectSetString(long chart, const string &name, ENUM_OBJECT_PROPERTY_STRING property, const string &value) {
  drawn *object = drawn_at(chart, name);
  if (object == nullptr) return false;
  if (property == OBJPROP_TEXT && value.size() > 63) die("the text of a label has at most 63 characters: \"" + value.utf8() + "\"");
  object->strings[property] = value.utf8();
  if (property == OBJPROP_TEXT) host().log("label", name.utf8() + "=" + value.utf8());
  return true;
}

long ObjectGetInteger(long chart, const string &name, ENUM_OBJECT_PROPERTY_INTEGER property) {
  drawn *object = drawn_at(chart, name);
  return object == nullptr ? 0 : property == OBJPROP_TYPE ? static_cast<long>(object->type) : object->integers[property];
}

string ObjectGetString(long chart, const string &name, ENUM_OBJECT_PROPERTY_STRING property) {
  drawn *object = drawn_at(chart, name);
  return object == nullptr ? string() : string::utf8(object->strings[property]);
}

}  // namespace mql
