#include "runtime/Text/Template/Value/Compare.h"

#include <algorithm>
#include <numeric>

namespace quipu::jinja {

static bool equalItems(const Items &left, const Items &right, Budget &budget) {
  if (left.size() != right.size())
    return false;
  for (size_t i = 0; i < left.size(); ++i)
    if (!equal(left[i], right[i], budget))
      return false;
  return true;
}

static bool equalDicts(const DictObject &left, const DictObject &right, Budget &budget) {
  if (left.entries.size() != right.entries.size())
    return false;
  for (const auto &[key, value] : left.entries) {
    const Value *other = right.find(key, budget);
    if (!other || !equal(value, *other, budget))
      return false;
  }
  return true;
}

bool equal(const Value &left, const Value &right, Budget &budget) {
  budget.work();
  if (left.isIntegral() && right.isIntegral())
    return left.asInteger() == right.asInteger();
  if (left.isNumber() && right.isNumber())
    return left.asNumber() == right.asNumber();
  if (left.kind() != right.kind())
    return false;
  switch (left.kind()) {
  case Kind::Undefined:
  case Kind::None:
    return true;
  case Kind::String:
    budget.read(std::min(left.asString().size(), right.asString().size()));
    return left.asString() == right.asString();
  case Kind::List:
  case Kind::Tuple:
  case Kind::Range:
    return equalItems(left.items(), right.items(), budget);
  case Kind::Dict:
    return equalDicts(left.asDict(), right.asDict(), budget);
  default:
    return left.identity() == right.identity();
  }
}

bool identical(const Value &left, const Value &right) {
  if (left.kind() != right.kind())
    return false;
  if (left.isIntegral())
    return left.asInteger() == right.asInteger();
  return left.is(Kind::None) || left.identity() == right.identity();
}

bool less(const Value &left, const Value &right, Budget &budget) {
  budget.work();
  if (left.isIntegral() && right.isIntegral())
    return left.asInteger() < right.asInteger();
  if (left.isNumber() && right.isNumber())
    return left.asNumber() < right.asNumber();
  for (const Value *side : {&left, &right})
    if (side->is(Kind::Undefined))
      fail("{}", side->missing());
  if (left.is(Kind::String) && right.is(Kind::String)) { // the order of UTF-8 is that of code points
    budget.read(std::min(left.asString().size(), right.asString().size()));
    return left.asString() < right.asString();
  }
  bool sameSequence = left.kind() == right.kind() && (left.is(Kind::List) || left.is(Kind::Tuple));
  if (!sameSequence)
    fail("'<' is not supported between '{}' and '{}'", typeName(left), typeName(right));
  const Items &a = left.items(), &b = right.items();
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (!equal(a[i], b[i], budget))
      return less(a[i], b[i], budget);
  return a.size() < b.size();
}

// Merging runs of doubled length. Unlike the standard library's, it can stand keys without an order (not a number).
std::vector<size_t> sortedOrder(const Items &keys, bool descending, Budget &budget) {
  std::vector<size_t> order(keys.size()), merged(keys.size());
  std::iota(order.begin(), order.end(), size_t(0));
  auto goesFirst = [&](size_t b, size_t a) { // whether b, which stood behind a, comes before it
    return descending ? less(keys[a], keys[b], budget) : less(keys[b], keys[a], budget);
  };
  for (size_t run = 1; run < keys.size(); run *= 2) {
    for (size_t begin = 0; begin < keys.size(); begin += 2 * run) {
      size_t middle = std::min(begin + run, keys.size()), end = std::min(begin + 2 * run, keys.size());
      size_t left = begin, right = middle;
      for (size_t to = begin; to < end; ++to) {
        bool takeRight = right < end && (left == middle || goesFirst(order[right], order[left]));
        merged[to] = order[takeRight ? right++ : left++];
      }
    }
    order.swap(merged);
  }
  return order;
}

bool contains(const Value &container, const Value &item, Budget &budget) {
  if (container.is(Kind::String)) {
    if (!item.is(Kind::String))
      fail("'in <string>' requires a string on its left, not '{}'", typeName(item));
    budget.read(container.asString().size());
    return container.asString().find(item.asString()) != std::string::npos;
  }
  if (container.is(Kind::Dict))
    return container.asDict().find(item, budget) != nullptr;
  if (container.is(Kind::Undefined))
    return false;
  if (!container.isSequence())
    fail("argument of type '{}' is not iterable", typeName(container));
  const Items &items = container.items();
  return std::any_of(items.begin(), items.end(), [&](const Value &other) { return equal(other, item, budget); });
}

} // namespace quipu::jinja
