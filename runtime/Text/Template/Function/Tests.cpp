#include "runtime/Text/Template/Function/Tests.h"

#include "runtime/Text/Template/Function/Filters.h"
#include "runtime/Text/Template/Value/CodePoints.h"
#include "runtime/Text/Template/Value/Compare.h"
#include "runtime/Text/Template/Value/Print.h"

#include <unordered_map>

namespace quipu::jinja {

namespace {

template <Kind kind> bool isKind(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("a test", {});
  return input.is(kind);
}

template <bool wanted> bool isTruth(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("a test", {});
  return input.is(Kind::Boolean) && (input.asInteger() != 0) == wanted;
}

bool isDefined(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("defined", {});
  return !input.is(Kind::Undefined);
}

bool isNumber(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("number", {});
  return input.isNumber();
}

bool isIterableTest(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("iterable", {});
  return isIterable(input);
}

// With a length and subscripts, as Python's interpreter would say.
bool isSequenceTest(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("sequence", {});
  return hasLength(input) && !input.is(Kind::View) && !input.is(Kind::Loop);
}

// What may be called: an undefined value as well, as Python sees it, though the call is an error.
bool isCallable(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("callable", {});
  return input.is(Kind::Callable) || input.is(Kind::Loop) || input.is(Kind::Undefined);
}

bool isEscaped(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("escaped", {});
  return input.isMarkup();
}

template <CaseTest test> bool isCased(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("a test", {});
  return hasCase(toText(input, budget), test);
}

int64_t modulo(const Value &input, int64_t by) {
  if (by == 0)
    fail("division by zero");
  if (by == -1) // the one quotient that may be too large
    return 0;
  int64_t rest = integerOf(input, "a test of divisibility") % by;
  return rest;
}

template <bool odd> bool isParity(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("a test", {});
  return (modulo(input, 2) != 0) == odd;
}

bool isDivisible(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("divisibleby", {"num"});
  return modulo(input, integerOf(arguments.at(0), "divisibleby")) == 0;
}

template <bool wanted> bool isEqual(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("a comparison", {"other"});
  return equal(input, arguments.at(0), budget) == wanted;
}

// input < other, or the other way round; or not so.
template <bool swapped, bool wanted> bool isLess(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("a comparison", {"other"});
  const Value &other = arguments.at(0);
  return (swapped ? less(other, input, budget) : less(input, other, budget)) == wanted;
}

bool isSame(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("sameas", {"other"});
  return identical(input, arguments.at(0));
}

bool isIn(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("in", {"seq"});
  return contains(arguments.at(0), input, budget);
}

bool isFilter(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("filter", {});
  return input.is(Kind::String) && findFilter(input.asString());
}

bool isTest(const Value &input, Arguments &arguments, Budget &) {
  arguments.bind("test", {});
  return input.is(Kind::String) && findTest(input.asString());
}

const std::unordered_map<std::string_view, Test> &tests() {
  static const std::unordered_map<std::string_view, Test> all = {{"defined", isDefined},
                                                                 {"undefined", isKind<Kind::Undefined>},
                                                                 {"none", isKind<Kind::None>},
                                                                 {"boolean", isKind<Kind::Boolean>},
                                                                 {"true", isTruth<true>},
                                                                 {"false", isTruth<false>},
                                                                 {"integer", isKind<Kind::Integer>},
                                                                 {"float", isKind<Kind::Float>},
                                                                 {"number", isNumber},
                                                                 {"string", isKind<Kind::String>},
                                                                 {"mapping", isKind<Kind::Dict>},
                                                                 {"iterable", isIterableTest},
                                                                 {"sequence", isSequenceTest},
                                                                 {"callable", isCallable},
                                                                 {"escaped", isEscaped},
                                                                 {"lower", isCased<CaseTest::Lower>},
                                                                 {"upper", isCased<CaseTest::Upper>},
                                                                 {"odd", isParity<true>},
                                                                 {"even", isParity<false>},
                                                                 {"divisibleby", isDivisible},
                                                                 {"sameas", isSame},
                                                                 {"in", isIn},
                                                                 {"filter", isFilter},
                                                                 {"test", isTest},
                                                                 {"eq", isEqual<true>},
                                                                 {"==", isEqual<true>},
                                                                 {"equalto", isEqual<true>},
                                                                 {"ne", isEqual<false>},
                                                                 {"!=", isEqual<false>},
                                                                 {"lt", isLess<false, true>},
                                                                 {"<", isLess<false, true>},
                                                                 {"lessthan", isLess<false, true>},
                                                                 {"gt", isLess<true, true>},
                                                                 {">", isLess<true, true>},
                                                                 {"greaterthan", isLess<true, true>},
                                                                 {"le", isLess<true, false>},
                                                                 {"<=", isLess<true, false>},
                                                                 {"ge", isLess<false, false>},
                                                                 {">=", isLess<false, false>}};
  return all;
}

} // namespace

Test findTest(std::string_view name) {
  auto found = tests().find(name);
  return found == tests().end() ? nullptr : found->second;
}

} // namespace quipu::jinja
