// Functions that a template finds without being given them.
#include "runtime/Text/Template/Interpreter.h"
#include "runtime/Text/Template/Value/Print.h"

namespace quipu::jinja {

namespace {

constexpr int64_t longestRange = 100'000; // the sandbox's

Value range(Arguments &arguments, Budget &budget) {
  arguments.bind("range", {"start", "stop", "step"});
  bool onlyStop = !arguments.find(1);
  int64_t start = onlyStop ? 0 : integerOf(arguments.at(0), "range");
  int64_t stop = integerOf(arguments.at(onlyStop ? 0 : 1), "range"), step = arguments.integer(2, 1);
  if (step == 0)
    fail("range: the step is zero");
  Items items;
  for (int64_t at = start; step > 0 ? at < stop : at > stop;) {
    if (static_cast<int64_t>(items.size()) == longestRange)
      fail("range: has more than {} numbers", longestRange);
    budget.work();
    items.push_back(Value::integer(at));
    if (__builtin_add_overflow(at, step, &at))
      break;
  }
  std::string label =
      step == 1 ? fmt::format("range({}, {})", start, stop) : fmt::format("range({}, {}, {})", start, stop, step);
  return makeSequence(Kind::Range, std::move(items), budget, label);
}

// The entries of a mapping, or of pairs, and of the named arguments.
std::shared_ptr<DictObject> entriesOf(const Arguments &arguments, Budget &budget) {
  auto made = std::make_shared<DictObject>();
  if (arguments.positional.size() > 1)
    fail("a mapping is made of one other at most");
  if (!arguments.positional.empty()) {
    const Value &from = arguments.positional[0];
    if (from.is(Kind::Dict))
      *made = from.asDict();
    else
      for (const Value &pair : iterate(from, budget)) {
        Items two = iterate(pair, budget);
        if (two.size() != 2)
          fail("a mapping is made of pairs, got {} values", two.size());
        made->set(two[0], two[1], budget);
      }
  }
  for (const auto &[name, value] : arguments.named)
    made->set(Value::string(name), value, budget);
  return made;
}

} // namespace

void Interpreter::define(const char *name, Value value) {
  if (auto number = program.find(name))
    globals[*number] = std::move(value);
}

void Interpreter::addGlobals() {
  define("range", Value::callable("range", range));
  define("dict", Value::callable("dict", [](Arguments &arguments, Budget &budget) {
           return makeDict(entriesOf(arguments, budget), budget);
         }));
  define("namespace", Value::callable("namespace", [this](Arguments &arguments, Budget &budget) {
           auto entries = entriesOf(arguments, budget);
           auto made = std::make_shared<NamespaceObject>();
           for (const auto &[key, value] : entries->entries)
             made->set(stringOf(key, "namespace"), value);
           namespaces.push_back(made);
           return Value::of(std::move(made));
         }));
  define("raise_exception", Value::callable("raise_exception", [](Arguments &arguments, Budget &budget) -> Value {
           arguments.bind("raise_exception", {"message"});
           fail("{}", toText(arguments.at(0), budget));
         }));
  define("strftime_now", Value::callable("strftime_now", [this](Arguments &arguments, Budget &budget) {
           arguments.bind("strftime_now", {"format"});
           const std::string &format = stringOf(arguments.at(0), "strftime_now");
           std::tm local = {};
           localtime_r(&now, &local);
           std::string text(4096, '\0');
           text.resize(std::strftime(text.data(), text.size(), format.c_str(), &local));
           budget.make(text.size());
           return Value::string(std::move(text));
         }));
}

} // namespace quipu::jinja
