#include "runtime/Text/Template/Value/Operators.h"

#include "runtime/Text/Template/Function/Methods.h"
#include "runtime/Text/Template/Value/Arguments.h"
#include "runtime/Text/Template/Value/CodePoints.h"
#include "runtime/Text/Template/Value/Format.h"
#include "runtime/Text/Template/Value/Print.h"

#include <algorithm>
#include <cmath>

namespace quipu::jinja {

namespace {

std::string_view signOf(Operator op) {
  constexpr std::string_view signs[] = {"+", "-", "*", "/", "//", "%", "**"};
  return signs[static_cast<size_t>(op)];
}

[[noreturn]] void refuse(Operator op, const Value &left, const Value &right) {
  for (const Value *side : {&left, &right})
    if (side->is(Kind::Undefined))
      fail("{}", side->missing());
  if (op == Operator::Add && left.is(Kind::String))
    fail("can only concatenate str (not '{}') to str; use ~ to join other values", typeName(right));
  fail("{} is not supported between '{}' and '{}'", signOf(op), typeName(left), typeName(right));
}

int64_t whole(bool overflow, int64_t value) {
  if (overflow)
    fail("a number is beyond 64 bits");
  return value;
}

int64_t floorDivide(int64_t a, int64_t b) {
  if (a == INT64_MIN && b == -1)
    whole(true, 0);
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

int64_t power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  bool overflow = false;
  if (base == 0 || base == 1 || base == -1) // no overflow would end the loop
    return exponent == 0 || base == 1 ? 1 : base == 0 ? 0 : exponent % 2 ? -1 : 1;
  for (; exponent > 0 && !overflow; --exponent)
    overflow = __builtin_mul_overflow(result, base, &result);
  return whole(overflow, result);
}

Value integers(Operator op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
  case Operator::Add:
    return Value::integer(whole(__builtin_add_overflow(a, b, &result), result));
  case Operator::Subtract:
    return Value::integer(whole(__builtin_sub_overflow(a, b, &result), result));
  case Operator::Multiply:
    return Value::integer(whole(__builtin_mul_overflow(a, b, &result), result));
  case Operator::Divide:
    return Value::number(static_cast<double>(a) / static_cast<double>(b));
  case Operator::FloorDivide:
    return Value::integer(floorDivide(a, b));
  case Operator::Modulo:
    return Value::integer(b == -1 ? 0 : a - floorDivide(a, b) * b);
  case Operator::Power:
    return b >= 0 ? Value::integer(power(a, b)) : Value::number(std::pow(double(a), double(b)));
  }
  return {};
}

Value floats(Operator op, double a, double b) {
  switch (op) {
  case Operator::Add:
    return Value::number(a + b);
  case Operator::Subtract:
    return Value::number(a - b);
  case Operator::Multiply:
    return Value::number(a * b);
  case Operator::Divide:
    return Value::number(a / b);
  case Operator::FloorDivide:
    return Value::number(std::floor(a / b));
  case Operator::Modulo: {
    double rest = std::fmod(a, b);
    return Value::number(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
  }
  case Operator::Power:
    return Value::number(std::pow(a, b));
  }
  return {};
}

Value arithmetic(Operator op, const Value &left, const Value &right) {
  bool divides = op == Operator::Divide || op == Operator::FloorDivide || op == Operator::Modulo;
  if (divides && right.asNumber() == 0)
    fail("division by zero");
  if (left.isIntegral() && right.isIntegral())
    return integers(op, left.asInteger(), right.asInteger());
  return floats(op, left.asNumber(), right.asNumber());
}

Value joinStrings(const Value &left, const Value &right, Budget &budget) {
  if (!left.isMarkup() && !right.isMarkup()) {
    budget.make(left.asString().size() + right.asString().size());
    return Value::string(left.asString() + right.asString());
  }
  auto safe = [&](const Value &side) {
    return side.isMarkup() ? side.asString() : escapeHtml(side.asString(), budget);
  };
  std::string joined = safe(left) + safe(right);
  budget.make(joined.size());
  return Value::markup(std::move(joined));
}

Value joinLists(const Value &left, const Value &right, Budget &budget) {
  Items items = left.items();
  budget.makeItems(items.size());
  items.insert(items.end(), right.items().begin(), right.items().end());
  return makeSequence(left.kind(), std::move(items), budget);
}

Value repeat(const Value &value, int64_t count, Budget &budget) {
  uint64_t times = count > 0 ? static_cast<uint64_t>(count) : 0;
  size_t size = value.is(Kind::String) ? value.asString().size() : value.items().size();
  uint64_t total = 0;
  if (__builtin_mul_overflow(uint64_t(size), times, &total))
    total = UINT64_MAX;
  if (size == 0)
    times = 0;
  if (value.is(Kind::String)) {
    budget.make(total);
    std::string out;
    out.reserve(total);
    while (times-- > 0)
      out += value.asString();
    return value.isMarkup() ? Value::markup(std::move(out)) : Value::string(std::move(out));
  }
  budget.makeItems(total);
  Items items;
  while (times-- > 0)
    items.insert(items.end(), value.items().begin(), value.items().end());
  return makeSequence(value.kind(), std::move(items), budget);
}

bool isRepeatable(const Value &value) {
  return value.is(Kind::String) || value.is(Kind::List) || value.is(Kind::Tuple);
}

// A place in a sequence, counted from the end where it is negative; nothing where it is outside.
std::optional<size_t> placeOf(int64_t index, size_t length) {
  auto size = static_cast<int64_t>(length);
  if (index < -size || index >= size)
    return std::nullopt;
  return static_cast<size_t>(index < 0 ? index + size : index);
}

// A character, item or entry; null where there is none.
std::optional<Value> item(const Value &value, const Value &index, Budget &budget) {
  if (value.is(Kind::Dict)) {
    bool hashable = !index.is(Kind::List) && !index.is(Kind::Dict) && !index.is(Kind::Undefined);
    const Value *found = hashable ? value.asDict().find(index, budget) : nullptr;
    return found ? std::optional<Value>(*found) : std::nullopt;
  }
  if (!index.isIntegral())
    return std::nullopt;
  if (value.is(Kind::List) || value.is(Kind::Tuple) || value.is(Kind::Range)) {
    auto place = placeOf(index.asInteger(), value.items().size());
    return place ? std::optional<Value>(value.items()[*place]) : std::nullopt;
  }
  if (!value.is(Kind::String))
    return std::nullopt;
  auto place = placeOf(index.asInteger(), countCodePoints(value.text()));
  if (!place)
    return std::nullopt;
  if (value.text().ascii)
    return Value::string(value.asString().substr(*place, 1));
  budget.read(value.asString().size());
  return Value::string(fromCodePoints(toCodePoints(value.asString()).substr(*place, 1)));
}

std::string article(const Value &value) { return fmt::format("'{} object'", typeName(value)); }

} // namespace

Value apply(Operator op, const Value &left, const Value &right, Budget &budget) {
  if (left.isNumber() && right.isNumber())
    return arithmetic(op, left, right);
  if (op == Operator::Add) {
    if (left.is(Kind::String) && right.is(Kind::String))
      return joinStrings(left, right, budget);
    if (left.kind() == right.kind() && (left.is(Kind::List) || left.is(Kind::Tuple)))
      return joinLists(left, right, budget);
  }
  if (op == Operator::Multiply) {
    if (isRepeatable(left) && right.isIntegral())
      return repeat(left, right.asInteger(), budget);
    if (isRepeatable(right) && left.isIntegral())
      return repeat(right, left.asInteger(), budget);
  }
  if (op == Operator::Modulo && left.is(Kind::String))
    return Value::string(formatPercent(left.asString(), right, budget));
  refuse(op, left, right);
}

Value negate(const Value &value) {
  if (value.isIntegral())
    return integers(Operator::Subtract, 0, value.asInteger());
  if (value.is(Kind::Float))
    return Value::number(-value.asNumber());
  if (value.is(Kind::Undefined))
    fail("{}", value.missing());
  fail("- is not supported for '{}'", typeName(value));
}

Value subscript(const Value &value, const Value &index, Budget &budget) {
  if (value.is(Kind::Undefined))
    fail("{}", value.missing());
  if (auto found = item(value, index, budget))
    return *found;
  if (index.is(Kind::String)) {
    if (auto found = memberOf(value, index.asString()))
      return *found;
    return Value::undefined(fmt::format("{} has no attribute '{}'", article(value), index.asString()));
  }
  std::string shown = index.is(Kind::Undefined) ? "Undefined" : toRepr(index, budget);
  return Value::undefined(fmt::format("{} has no element {}", article(value), shown));
}

Value attribute(const Value &value, std::string_view name, Budget &budget) {
  if (value.is(Kind::Undefined))
    fail("{}", value.missing());
  if (auto found = memberOf(value, name))
    return *found;
  if (value.is(Kind::Dict))
    if (const Value *found = value.asDict().find(name))
      return *found;
  budget.work();
  return Value::undefined(fmt::format("{} has no attribute '{}'", article(value), name));
}

Value slice(const Value &value, const Value &start, const Value &stop, const Value &step, Budget &budget) {
  if (value.is(Kind::Undefined))
    fail("{}", value.missing());
  bool text = value.is(Kind::String);
  if (!text && !value.is(Kind::List) && !value.is(Kind::Tuple) && !value.is(Kind::Range))
    return Value::undefined(fmt::format("{} has no slices", article(value)));
  auto length = static_cast<int64_t>(lengthOf(value));
  auto given = [](const Value &bound) { return !bound.is(Kind::None) && !bound.is(Kind::Undefined); };
  int64_t by = given(step) ? integerOf(step, "a slice") : 1;
  if (by == 0)
    fail("slice step cannot be zero");
  int64_t low = by < 0 ? -1 : 0, high = by < 0 ? length - 1 : length;
  auto bound = [&](const Value &asked, int64_t fallback) {
    if (!given(asked))
      return fallback;
    int64_t at = integerOf(asked, "a slice");
    return std::clamp(at < 0 ? std::max(at, -length - 1) + length : at, low, high);
  };
  int64_t from = bound(start, by < 0 ? high : low), to = bound(stop, by < 0 ? low : high);
  budget.read(text ? value.asString().size() : 0);
  std::u32string source = text && !value.text().ascii ? toCodePoints(value.asString()) : std::u32string(), wide;
  std::string narrow;
  Items items;
  for (int64_t at = from; by > 0 ? at < to : at > to;) {
    budget.work();
    auto place = static_cast<size_t>(at);
    if (!text)
      items.push_back(value.items()[place]);
    else if (value.text().ascii)
      narrow += value.asString()[place];
    else
      wide += source[place];
    if (__builtin_add_overflow(at, by, &at))
      break;
  }
  if (!text)
    return makeSequence(value.kind(), std::move(items), budget);
  budget.make(narrow.size() + 4 * wide.size());
  return Value::string(value.text().ascii ? std::move(narrow) : fromCodePoints(wide));
}

std::string escapeHtml(std::string_view text, Budget &budget) {
  budget.make(text.size());
  std::string out;
  for (char c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&#34;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

} // namespace quipu::jinja
