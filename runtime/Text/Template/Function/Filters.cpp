// Filters on values of any type; those on texts and sequences are in files of their own.
#include "runtime/Text/Template/Function/Filters.h"

#include "runtime/Text/Json.h"
#include "runtime/Text/Template/Function/Methods.h"
#include "runtime/Text/Template/Value/CodePoints.h"
#include "runtime/Text/Template/Value/Print.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <optional>

namespace quipu::jinja {

namespace {

Value defaultTo(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("default", {"default_value", "boolean"});
  bool missing = input.is(Kind::Undefined) || (arguments.truth(1, false) && !truthOf(input));
  if (!missing)
    return input;
  const Value *fallback = arguments.find(0);
  return fallback ? *fallback : Value::string("");
}

Value length(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("length", {});
  return Value::integer(static_cast<int64_t>(lengthOf(input)));
}

// Indentation by a number of spaces or a text of its own.
std::optional<std::string> indentOf(const Value *given) {
  constexpr int64_t widest = 1000;
  if (!given || given->is(Kind::None))
    return std::nullopt;
  if (given->is(Kind::String))
    return given->asString();
  return std::string(static_cast<size_t>(std::clamp<int64_t>(integerOf(*given, "tojson"), 0, widest)), ' ');
}

// As transformers has it: no escapes for HTML, the keys in their order, characters as they are.
Value tojson(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = arguments.truth(0, false);
  style.indent = indentOf(arguments.find(1));
  style.sortKeys = arguments.truth(3, false);
  if (style.indent)
    style.itemSeparator = ",";
  if (const Value *separators = arguments.find(2); separators && !separators->is(Kind::None)) {
    if (!separators->isSequence() || separators->items().size() != 2)
      fail("tojson needs two separators");
    style.itemSeparator = stringOf(separators->items()[0], "tojson");
    style.keySeparator = stringOf(separators->items()[1], "tojson");
  }
  return Value::string(toJson(input, style, budget));
}

// Not a filter of transformers: templates written for other programs take arguments of tool calls apart with it.
Value fromJsonText(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("from_json", {});
  auto parsed = parseOrderedJson(stringOf(input, "from_json"), "from_json");
  if (!parsed)
    fail("{}", parsed.error().message);
  return fromJson(*parsed, budget);
}

// The number that a text is, as float() reads it.
std::optional<double> parseFloat(std::string_view given) {
  std::string text(strip(given, Side::Both));
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  if (text.empty() || text.find_first_of("xXpP(") != std::string::npos)
    return std::nullopt;
  char *end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  return *end ? std::nullopt : std::optional<double>(value);
}

std::optional<int64_t> parseInteger(std::string_view given, int64_t base) {
  std::string text(strip(given, Side::Both));
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  if (text.empty() || base < 2 || base > 36)
    return std::nullopt;
  char *end = nullptr;
  errno = 0;
  int64_t value = std::strtoll(text.c_str(), &end, static_cast<int>(base));
  return *end || errno == ERANGE ? std::nullopt : std::optional<int64_t>(value);
}

std::optional<double> floatOf(const Value &input) {
  if (input.is(Kind::Undefined))
    fail("{}", input.missing());
  if (input.isNumber())
    return input.asNumber();
  return input.is(Kind::String) ? parseFloat(input.asString()) : std::nullopt;
}

Value toInteger(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("int", {"default", "base"});
  if (input.isIntegral())
    return Value::integer(input.asInteger());
  if (input.is(Kind::String))
    if (auto whole = parseInteger(input.asString(), arguments.integer(1, 10)))
      return Value::integer(*whole);
  constexpr double limit = 9.2e18;
  if (auto number = floatOf(input); number && std::abs(*number) < limit)
    return Value::integer(static_cast<int64_t>(*number));
  const Value *fallback = arguments.find(0);
  return fallback ? *fallback : Value::integer(0);
}

Value toFloat(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("float", {"default"});
  if (auto number = floatOf(input))
    return Value::number(*number);
  const Value *fallback = arguments.find(0);
  return fallback ? *fallback : Value::number(0);
}

Value absolute(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("abs", {});
  if (input.is(Kind::Float))
    return Value::number(std::abs(input.asNumber()));
  int64_t value = integerOf(input, "abs");
  if (value == INT64_MIN)
    fail("a number is beyond 64 bits");
  return Value::integer(value < 0 ? -value : value);
}

Value roundTo(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("round", {"precision", "method"});
  int64_t precision = std::clamp<int64_t>(arguments.integer(0, 0), -30, 30);
  std::string method = arguments.text(1, "common");
  if (!input.isNumber())
    fail("round needs a number, got '{}'", typeName(input));
  double scale = std::pow(10.0, static_cast<double>(precision)), value = input.asNumber();
  if (method == "ceil" || method == "floor")
    return Value::number((method == "ceil" ? std::ceil(value * scale) : std::floor(value * scale)) / scale);
  if (method != "common")
    fail("round: the method is '{}'; expected common, ceil or floor", method);
  if (input.isIntegral() && precision >= 0)
    return Value::integer(input.asInteger());
  if (precision < 0 || !std::isfinite(value))
    return Value::number(std::nearbyint(value * scale) / scale);
  return Value::number(std::strtod(fmt::format("{:.{}f}", value, precision).c_str(), nullptr));
}

Value attributeOf(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("attr", {"name"});
  const std::string &name = stringOf(arguments.at(0), "attr");
  auto found = memberOf(input, name);
  return found ? *found : Value::undefined(fmt::format("'{}' has no attribute '{}'", typeName(input), name));
}

const std::unordered_map<std::string_view, Filter> &generalFilters() {
  static const std::unordered_map<std::string_view, Filter> all = {
      {"abs", absolute},      {"attr", attributeOf}, {"count", length},  {"d", defaultTo},
      {"default", defaultTo}, {"float", toFloat},    {"int", toInteger}, {"from_json", fromJsonText},
      {"length", length},     {"round", roundTo},    {"tojson", tojson}};
  return all;
}

} // namespace

Filter findFilter(std::string_view name) {
  auto found = generalFilters().find(name);
  if (found != generalFilters().end())
    return found->second;
  Filter filter = findTextFilter(name);
  return filter ? filter : findSequenceFilter(name);
}

} // namespace quipu::jinja
