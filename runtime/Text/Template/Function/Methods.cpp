#include "runtime/Text/Template/Function/Methods.h"

#include <algorithm>
#include <iterator>

namespace quipu::jinja {

namespace {

constexpr std::string_view changesList[] = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"};
constexpr std::string_view changesDict[] = {"clear", "pop", "popitem", "setdefault", "update"};

template <typename Names> bool isAmong(const Names &names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Method findMethod(const Value &self, std::string_view name) {
  switch (self.kind()) {
  case Kind::String:
    return findStringMethod(name);
  case Kind::List:
  case Kind::Tuple:
  case Kind::Range:
    return findListMethod(name);
  case Kind::Dict:
    return findDictMethod(name);
  case Kind::Loop:
    return findLoopMethod(name);
  default:
    return nullptr;
  }
}

std::optional<Value> loopAttribute(const LoopObject &loop, std::string_view name) {
  size_t length = loop.items.size();
  auto number = [](size_t value) { return Value::integer(static_cast<int64_t>(value)); };
  if (name == "index")
    return number(loop.index + 1);
  if (name == "index0")
    return number(loop.index);
  if (name == "revindex")
    return number(length - loop.index);
  if (name == "revindex0")
    return number(length - loop.index - 1);
  if (name == "length")
    return number(length);
  if (name == "depth")
    return number(loop.depth);
  if (name == "depth0")
    return number(loop.depth - 1);
  if (name == "first")
    return Value::boolean(loop.index == 0);
  if (name == "last")
    return Value::boolean(loop.index + 1 == length);
  if (name == "previtem")
    return loop.index > 0 ? loop.items[loop.index - 1] : Value::undefined("there is no previous item");
  if (name == "nextitem")
    return loop.index + 1 < length ? loop.items[loop.index + 1] : Value::undefined("there is no next item");
  return std::nullopt;
}

} // namespace

std::optional<Value> memberOf(const Value &value, std::string_view name) {
  if (value.is(Kind::Namespace)) {
    const Value *found = value.asNamespace().find(name);
    return found ? std::optional<Value>(*found) : std::nullopt;
  }
  if (value.is(Kind::Callable) && name == "name") // of a macro
    return Value::string(value.asCallable().name);
  if (value.is(Kind::Loop))
    if (auto found = loopAttribute(value.asLoop(), name))
      return found;
  bool changes =
      (value.is(Kind::List) && isAmong(changesList, name)) || (value.is(Kind::Dict) && isAmong(changesDict, name));
  if (changes)
    return Value::undefined(
        fmt::format("'{}' of a {} would change it, which templates may not do", name, typeName(value)));
  Method method = findMethod(value, name);
  if (!method)
    return std::nullopt;
  return Value::callable(std::string(name), [value, method](Arguments &arguments, Budget &budget) {
    return method(value, arguments, budget);
  });
}

std::optional<Value> callMethod(const Value &self, std::string_view name, Arguments &arguments, Budget &budget) {
  Method method = findMethod(self, name);
  return method ? std::optional<Value>(method(self, arguments, budget)) : std::nullopt;
}

} // namespace quipu::jinja
