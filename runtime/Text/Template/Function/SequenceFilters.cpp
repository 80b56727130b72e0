// Filters that go over the items of a sequence.
#include "runtime/Text/Template/Function/Filters.h"
#include "runtime/Text/Template/Function/Methods.h"
#include "runtime/Text/Template/Function/Tests.h"
#include "runtime/Text/Template/Value/CodePoints.h"
#include "runtime/Text/Template/Value/Compare.h"
#include "runtime/Text/Template/Value/Operators.h"
#include "runtime/Text/Template/Value/Print.h"
#include "runtime/Text/Template/Value/TextSplitting.h"

#include <algorithm>
#include <set>

namespace quipu::jinja {

namespace {

// Reads an attribute path such as "function.name" or "0.id" of items; the item itself where none is asked for.
class AttributeReader {
public:
  AttributeReader(const Value *path, Budget &budget) : budget(budget) {
    if (!path || path->is(Kind::None))
      return;
    if (!path->is(Kind::String)) {
      parts.push_back(*path);
      return;
    }
    const std::string dot = ".";
    for (std::string_view part : splitText(path->asString(), &dot, -1)) {
      bool number = !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string_view::npos;
      parts.push_back(number ? Value::integer(std::stoll(std::string(part))) : Value::string(std::string(part)));
    }
  }

  Value of(Value item, const Value *fallback = nullptr) const {
    for (const Value &part : parts) {
      item = subscript(item, part, budget);
      if (item.is(Kind::Undefined) && fallback && !fallback->is(Kind::None))
        item = *fallback;
    }
    return item;
  }

private:
  std::vector<Value> parts;
  Budget &budget;
};

Value withoutCase(const Value &value) {
  return value.is(Kind::String) ? Value::string(withCase(value.asString(), Casing::Lower)) : value;
}

// Items and what they are sorted by.
struct Keyed {
  Items keys, items;
};

Keyed keyed(const Value &input, const Value *attribute, bool caseSensitive, Budget &budget) {
  AttributeReader reader(attribute, budget);
  Keyed all;
  all.items = iterate(input, budget);
  for (const Value &item : all.items) {
    Value key = reader.of(item);
    if (key.is(Kind::String))
      budget.make(key.asString().size());
    all.keys.push_back(caseSensitive ? key : withoutCase(key));
  }
  return all;
}

Value sorted(const Keyed &all, bool descending, Budget &budget) {
  Items items;
  for (size_t place : sortedOrder(all.keys, descending, budget))
    items.push_back(all.items[place]);
  return makeSequence(Kind::List, std::move(items), budget);
}

Value sort(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("sort", {"reverse", "case_sensitive", "attribute"});
  Keyed all = keyed(input, arguments.find(2), arguments.truth(1, false), budget);
  return sorted(all, arguments.truth(0, false), budget);
}

Value dictsort(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("dictsort", {"case_sensitive", "by", "reverse"});
  if (!input.is(Kind::Dict))
    fail("dictsort needs a mapping, got '{}'", typeName(input));
  std::string by = arguments.text(1, "key");
  if (by != "key" && by != "value")
    fail("dictsort: by is '{}'; expected key or value", by);
  Keyed all;
  for (const auto &[key, value] : input.asDict().entries) {
    const Value &order = by == "key" ? key : value;
    all.keys.push_back(arguments.truth(0, false) ? order : withoutCase(order));
    all.items.push_back(makeSequence(Kind::Tuple, {key, value}, budget));
  }
  return sorted(all, arguments.truth(2, false), budget);
}

Value unique(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("unique", {"case_sensitive", "attribute"});
  std::set<std::string> seen;
  Keyed all = keyed(input, arguments.find(1), arguments.truth(0, false), budget);
  Items kept;
  for (size_t i = 0; i < all.keys.size(); ++i)
    if (seen.insert(hashKey(all.keys[i], budget)).second)
      kept.push_back(all.items[i]);
  return makeSequence(Kind::Generator, std::move(kept), budget);
}

template <bool largest> Value extreme(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind(largest ? "max" : "min", {"case_sensitive", "attribute"});
  Keyed all = keyed(input, arguments.find(1), arguments.truth(0, false), budget);
  if (all.items.empty())
    return Value::undefined("no item is there, the sequence was empty");
  size_t best = 0;
  for (size_t i = 1; i < all.keys.size(); ++i)
    if (largest ? less(all.keys[best], all.keys[i], budget) : less(all.keys[i], all.keys[best], budget))
      best = i;
  return all.items[best];
}

Value list(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("list", {});
  return makeSequence(Kind::List, iterate(input, budget), budget);
}

Value items(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("items", {});
  if (!input.is(Kind::Undefined) && !input.is(Kind::Dict))
    fail("items needs a mapping, got '{}'", typeName(input));
  Items pairs;
  if (input.is(Kind::Dict))
    for (const auto &[key, value] : input.asDict().entries)
      pairs.push_back(makeSequence(Kind::Tuple, {key, value}, budget));
  return makeSequence(Kind::Generator, std::move(pairs), budget);
}

Value first(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("first", {});
  Items all = iterate(input, budget);
  return all.empty() ? Value::undefined("no first item is there, the sequence was empty") : all.front();
}

Value last(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("last", {});
  if (input.is(Kind::Generator))
    fail("'generator' object is not reversible; put | list in front");
  Items all = iterate(input, budget);
  return all.empty() ? Value::undefined("no last item is there, the sequence was empty") : all.back();
}

Value reverse(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("reverse", {});
  if (input.is(Kind::String))
    return slice(input, Value::none(), Value::none(), Value::integer(-1), budget);
  Items all = iterate(input, budget);
  std::reverse(all.begin(), all.end());
  return makeSequence(Kind::Generator, std::move(all), budget);
}

Value join(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("join", {"d", "attribute"});
  std::string separator = arguments.find(0) ? toText(*arguments.find(0), budget) : "", out;
  AttributeReader reader(arguments.find(1), budget);
  bool isFirst = true;
  for (const Value &item : iterate(input, budget)) {
    if (!isFirst)
      budget.append(out, separator);
    budget.append(out, toText(reader.of(item), budget));
    isFirst = false;
  }
  return Value::string(std::move(out));
}

Value sum(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("sum", {"attribute", "start"});
  AttributeReader reader(arguments.find(0), budget);
  Value total = arguments.find(1) ? *arguments.find(1) : Value::integer(0);
  for (const Value &item : iterate(input, budget))
    total = apply(Operator::Add, total, reader.of(item), budget);
  return total;
}

// What is left of the arguments behind the first `count`, for the filter or test that they name.
Arguments behind(const Arguments &arguments, size_t count) {
  Arguments rest;
  rest.positional.assign(arguments.positional.begin() + static_cast<ptrdiff_t>(count), arguments.positional.end());
  rest.named = arguments.named;
  return rest;
}

Value mapAttribute(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("map", {"attribute", "default"});
  AttributeReader reader(&arguments.at(0), budget);
  Items mapped;
  for (const Value &item : iterate(input, budget))
    mapped.push_back(reader.of(item, arguments.find(1)));
  return makeSequence(Kind::Generator, std::move(mapped), budget);
}

Value map(const Value &input, Arguments &arguments, Budget &budget) {
  if (arguments.positional.empty())
    return mapAttribute(input, arguments, budget);
  const std::string &name = stringOf(arguments.positional[0], "map");
  Filter filter = findFilter(name);
  if (!filter)
    fail("map: there is no filter '{}'", name);
  Items mapped;
  for (const Value &item : iterate(input, budget)) {
    Arguments rest = behind(arguments, 1);
    budget.work(10);
    mapped.push_back(filter(item, rest, budget));
  }
  return makeSequence(Kind::Generator, std::move(mapped), budget);
}

// select, reject and their kin for an attribute of each item.
template <bool wanted, bool ofAttribute> Value choose(const Value &input, Arguments &arguments, Budget &budget) {
  if (!truthOf(input)) // None as well
    return makeSequence(Kind::Generator, {}, budget);
  size_t taken = ofAttribute;
  if (arguments.positional.size() < taken)
    fail("selectattr needs the name of an attribute");
  AttributeReader reader(ofAttribute ? &arguments.positional[0] : nullptr, budget);
  Test test = nullptr;
  if (arguments.positional.size() > taken) {
    const std::string &name = stringOf(arguments.positional[taken++], "select");
    test = findTest(name);
    if (!test)
      fail("select: there is no test '{}'", name);
  }
  Items chosen;
  for (const Value &item : iterate(input, budget)) {
    Arguments rest = behind(arguments, taken);
    Value tested = reader.of(item);
    budget.work(10);
    if ((test ? test(tested, rest, budget) : truthOf(tested)) == wanted)
      chosen.push_back(item);
  }
  return makeSequence(Kind::Generator, std::move(chosen), budget);
}

} // namespace

Filter findSequenceFilter(std::string_view name) {
  static const std::unordered_map<std::string_view, Filter> all = {{"dictsort", dictsort},
                                                                   {"first", first},
                                                                   {"items", items},
                                                                   {"join", join},
                                                                   {"last", last},
                                                                   {"list", list},
                                                                   {"map", map},
                                                                   {"max", extreme<true>},
                                                                   {"min", extreme<false>},
                                                                   {"reject", choose<false, false>},
                                                                   {"rejectattr", choose<false, true>},
                                                                   {"reverse", reverse},
                                                                   {"select", choose<true, false>},
                                                                   {"selectattr", choose<true, true>},
                                                                   {"sort", sort},
                                                                   {"sum", sum},
                                                                   {"unique", unique}};
  auto found = all.find(name);
  return found == all.end() ? nullptr : found->second;
}

} // namespace quipu::jinja
