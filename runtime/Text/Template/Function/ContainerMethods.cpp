// Methods of lists, tuples, dicts and of the variable `loop`.
#include "runtime/Text/Template/Function/Methods.h"
#include "runtime/Text/Template/Value/Compare.h"

#include <algorithm>

namespace quipu::jinja {

namespace {

Value get(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("get", {"key", "default"});
  if (const Value *found = self.asDict().find(arguments.at(0), budget))
    return *found;
  const Value *fallback = arguments.find(1);
  return fallback ? *fallback : Value::none();
}

Value view(const Value &self, Budget &budget, const char *label,
           Value (*part)(const std::pair<Value, Value> &, Budget &)) {
  Items items;
  budget.makeItems(self.asDict().entries.size());
  for (const auto &entry : self.asDict().entries)
    items.push_back(part(entry, budget));
  return makeSequence(Kind::View, std::move(items), budget, label);
}

Value items(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("items", {});
  return view(self, budget, "dict_items", [](const auto &entry, Budget &budget) {
    return makeSequence(Kind::Tuple, {entry.first, entry.second}, budget);
  });
}

Value keys(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("keys", {});
  return view(self, budget, "dict_keys", [](const auto &entry, Budget &) { return entry.first; });
}

Value values(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("values", {});
  return view(self, budget, "dict_values", [](const auto &entry, Budget &) { return entry.second; });
}

Value copy(const Value &self, Arguments &arguments, Budget &) {
  arguments.bind("copy", {});
  return self;
}

Value count(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("count", {"value"});
  const Items &all = self.items();
  return Value::integer(
      std::count_if(all.begin(), all.end(), [&](const Value &item) { return equal(item, arguments.at(0), budget); }));
}

Value index(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("index", {"value"});
  const Items &all = self.items();
  auto found =
      std::find_if(all.begin(), all.end(), [&](const Value &item) { return equal(item, arguments.at(0), budget); });
  if (found == all.end())
    fail("index: the value is not in the {}", typeName(self));
  return Value::integer(found - all.begin());
}

Value cycle(const Value &self, Arguments &arguments, Budget &) {
  if (arguments.positional.empty())
    fail("loop.cycle needs items");
  return arguments.positional[self.asLoop().index % arguments.positional.size()];
}

Value changed(const Value &self, Arguments &arguments, Budget &budget) {
  LoopObject &loop = self.asLoop();
  const Items &given = arguments.positional;
  bool same = loop.everChanged && given.size() == loop.changed.size() &&
              std::equal(given.begin(), given.end(), loop.changed.begin(),
                         [&](const Value &a, const Value &b) { return equal(a, b, budget); });
  loop.changed = given;
  loop.everChanged = true;
  return Value::boolean(!same);
}

} // namespace

Method findListMethod(std::string_view name) {
  return name == "count" ? count : name == "index" ? index : name == "copy" ? copy : nullptr;
}

Method findDictMethod(std::string_view name) {
  static const std::unordered_map<std::string_view, Method> methods = {
      {"get", get}, {"items", items}, {"keys", keys}, {"values", values}, {"copy", copy}};
  auto found = methods.find(name);
  return found == methods.end() ? nullptr : found->second;
}

Method findLoopMethod(std::string_view name) { return name == "cycle" ? cycle : name == "changed" ? changed : nullptr; }

} // namespace quipu::jinja
