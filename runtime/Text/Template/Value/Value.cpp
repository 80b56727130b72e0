#include "runtime/Text/Template/Value/Value.h"

#include "runtime/Text/Template/Value/CodePoints.h"

#include <algorithm>
#include <cmath>

namespace quipu::jinja {

TextObject::TextObject(std::string given) : text(std::move(given)), ascii(isAscii(text)) {}

Value Value::none() { return {Kind::None, nullptr}; }

Value Value::boolean(bool value) {
  Value made(Kind::Boolean, nullptr);
  made.whole = value;
  return made;
}

Value Value::integer(int64_t value) {
  Value made(Kind::Integer, nullptr);
  made.whole = value;
  return made;
}

Value Value::number(double value) {
  Value made(Kind::Float, nullptr);
  made.real = value;
  return made;
}

Value Value::string(std::string text) { return {Kind::String, std::make_shared<TextObject>(std::move(text))}; }

Value Value::markup(std::string text) {
  Value made = string(std::move(text));
  made.safe = true;
  return made;
}

Value Value::undefined(std::string what) { return {Kind::Undefined, std::make_shared<TextObject>(std::move(what))}; }

Value Value::sequence(Kind kind, std::shared_ptr<SequenceObject> items) { return {kind, std::move(items)}; }
Value Value::dict(std::shared_ptr<DictObject> entries) { return {Kind::Dict, std::move(entries)}; }
Value Value::of(std::shared_ptr<NamespaceObject> object) { return {Kind::Namespace, std::move(object)}; }
Value Value::of(std::shared_ptr<LoopObject> object) { return {Kind::Loop, std::move(object)}; }

Value Value::callable(std::string name, std::function<Value(Arguments &, Budget &)> call) {
  auto made = std::make_shared<CallableObject>();
  made->name = std::move(name);
  made->call = std::move(call);
  return {Kind::Callable, std::move(made)};
}

const Items &Value::items() const { return asSequence().items; }
const SequenceObject &Value::asSequence() const { return static_cast<const SequenceObject &>(*object); }
const DictObject &Value::asDict() const { return static_cast<const DictObject &>(*object); }
NamespaceObject &Value::asNamespace() const { return static_cast<NamespaceObject &>(*object); }
const CallableObject &Value::asCallable() const { return static_cast<const CallableObject &>(*object); }
LoopObject &Value::asLoop() const { return static_cast<LoopObject &>(*object); }
std::string_view Value::missing() const { return object ? std::string_view(text().text) : "a value is undefined"; }

void DictObject::set(const Value &key, Value value, Budget &budget) {
  auto [place, isNew] = places.try_emplace(hashKey(key, budget), entries.size());
  if (isNew)
    entries.emplace_back(key, std::move(value));
  else
    entries[place->second].second = std::move(value);
}

const Value *DictObject::find(const Value &key, Budget &budget) const {
  auto place = places.find(hashKey(key, budget));
  return place == places.end() ? nullptr : &entries[place->second].second;
}

const Value *DictObject::find(std::string_view key) const {
  auto place = places.find("s" + std::string(key));
  return place == places.end() ? nullptr : &entries[place->second].second;
}

void NamespaceObject::set(std::string_view name, Value value) {
  auto same = [&](const auto &attribute) { return attribute.first == name; };
  auto found = std::find_if(attributes.begin(), attributes.end(), same);
  if (found == attributes.end())
    attributes.emplace_back(name, std::move(value));
  else
    found->second = std::move(value);
}

const Value *NamespaceObject::find(std::string_view name) const {
  for (const auto &attribute : attributes)
    if (attribute.first == name)
      return &attribute.second;
  return nullptr;
}

bool truthOf(const Value &value) {
  switch (value.kind()) {
  case Kind::Undefined:
  case Kind::None:
    return false;
  case Kind::Boolean:
  case Kind::Integer:
    return value.asInteger() != 0;
  case Kind::Float:
    return value.asNumber() != 0;
  case Kind::Generator:
  case Kind::Namespace:
  case Kind::Callable:
    return true;
  default:
    return lengthOf(value) > 0;
  }
}

std::string_view typeName(const Value &value) {
  switch (value.kind()) {
  case Kind::Undefined:
    return "Undefined";
  case Kind::None:
    return "NoneType";
  case Kind::Boolean:
    return "bool";
  case Kind::Integer:
    return "int";
  case Kind::Float:
    return "float";
  case Kind::String:
    return value.isMarkup() ? "Markup" : "str";
  case Kind::List:
    return "list";
  case Kind::Tuple:
    return "tuple";
  case Kind::Range:
    return "range";
  case Kind::View:
    return value.asSequence().label;
  case Kind::Generator:
    return "generator";
  case Kind::Dict:
    return "dict";
  case Kind::Namespace:
    return "Namespace";
  case Kind::Callable:
    return "function";
  case Kind::Loop:
    return "LoopContext";
  }
  return "";
}

bool hasLength(const Value &value) {
  return value.is(Kind::Undefined) || value.is(Kind::String) || value.is(Kind::Dict) || value.is(Kind::Loop) ||
         (value.isSequence() && !value.is(Kind::Generator));
}

size_t lengthOf(const Value &value) {
  switch (value.kind()) {
  case Kind::Undefined:
    return 0;
  case Kind::String:
    return countCodePoints(value.text());
  case Kind::Dict:
    return value.asDict().entries.size();
  case Kind::Loop:
    return value.asLoop().items.size();
  default:
    if (!hasLength(value))
      fail("object of type '{}' has no length", typeName(value));
    return value.items().size();
  }
}

bool isIterable(const Value &value) {
  return value.is(Kind::Undefined) || value.is(Kind::String) || value.is(Kind::Dict) || value.is(Kind::Loop) ||
         value.isSequence();
}

Items iterate(const Value &value, Budget &budget) {
  Items items;
  if (value.isSequence()) {
    budget.makeItems(value.items().size());
    return value.items();
  }
  if (value.is(Kind::Dict)) {
    budget.makeItems(value.asDict().entries.size());
    for (const auto &entry : value.asDict().entries)
      items.push_back(entry.first);
  } else if (value.is(Kind::String)) {
    budget.makeItems(4 * value.asString().size());
    for (std::string_view rest = value.asString(); !rest.empty();) {
      std::string_view character = firstCharacter(rest);
      items.push_back(Value::string(std::string(character)));
      rest.remove_prefix(character.size());
    }
  } else if (!value.is(Kind::Undefined)) {
    fail("'{}' object is not iterable", typeName(value));
  }
  return items;
}

static unsigned depthOf(const Value &value) {
  if (value.isSequence())
    return value.asSequence().depth;
  return value.is(Kind::Dict) ? value.asDict().depth : 0;
}

static unsigned checkedDepth(unsigned inner, Budget &budget) {
  if (inner >= budget.limits.valueDepth)
    fail("makes values nested more than {} deep", budget.limits.valueDepth);
  return inner + 1;
}

Value makeSequence(Kind kind, Items items, Budget &budget, std::string label) {
  budget.makeItems(items.size());
  unsigned inner = 0;
  for (const Value &item : items)
    inner = std::max(inner, depthOf(item));
  auto made = std::make_shared<SequenceObject>();
  made->depth = checkedDepth(inner, budget);
  made->items = std::move(items);
  made->label = std::move(label);
  return Value::sequence(kind, std::move(made));
}

Value makeDict(std::shared_ptr<DictObject> dict, Budget &budget) {
  budget.makeItems(4 * dict->entries.size());
  unsigned inner = 0;
  for (const auto &[key, value] : dict->entries)
    inner = std::max({inner, depthOf(key), depthOf(value)});
  dict->depth = checkedDepth(inner, budget);
  return Value::dict(std::move(dict));
}

// Equal numbers of different types are one key in Python: 1, 1.0 and True.
std::string hashKey(const Value &value, Budget &budget) {
  switch (value.kind()) {
  case Kind::None:
    return "n";
  case Kind::Boolean:
  case Kind::Integer:
    return fmt::format("i{}", value.asInteger());
  case Kind::Float: {
    double number = value.asNumber();
    constexpr double wholeLimit = 9e18;
    if (std::floor(number) == number && std::abs(number) < wholeLimit)
      return fmt::format("i{}", static_cast<int64_t>(number));
    return fmt::format("f{}", number);
  }
  case Kind::String:
    budget.read(value.asString().size());
    return "s" + value.asString();
  case Kind::Tuple: {
    std::string key = "t";
    for (const Value &item : value.items()) {
      std::string part = hashKey(item, budget);
      budget.make(key.size() + part.size());
      key += fmt::format("{}:{}", part.size(), part);
    }
    return key;
  }
  default:
    fail("unhashable type: '{}'", typeName(value));
  }
}

} // namespace quipu::jinja
