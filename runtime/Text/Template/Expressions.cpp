#include "runtime/Text/Template/Function/Methods.h"
#include "runtime/Text/Template/Interpreter.h"
#include "runtime/Text/Template/Value/Compare.h"
#include "runtime/Text/Template/Value/Print.h"

namespace quipu::jinja {

namespace {

bool holds(Comparison comparison, const Value &left, const Value &right, Budget &budget) {
  switch (comparison) {
  case Comparison::Equal:
    return equal(left, right, budget);
  case Comparison::NotEqual:
    return !equal(left, right, budget);
  case Comparison::Less:
    return less(left, right, budget);
  case Comparison::Greater:
    return less(right, left, budget);
  case Comparison::LessEqual:
    return less(left, right, budget) || equal(left, right, budget);
  case Comparison::GreaterEqual:
    return less(right, left, budget) || equal(left, right, budget);
  case Comparison::In:
    return contains(right, left, budget);
  case Comparison::NotIn:
    return !contains(right, left, budget);
  }
  return false;
}

} // namespace

// What a filter, test or method may read of a text: all of it.
void Interpreter::charge(const Value &value) const {
  budget.work();
  if (value.is(Kind::String))
    budget.read(value.asString().size());
}

Value Interpreter::evaluate(const Expression &expression) {
  DepthGuard guard(budget);
  budget.work();
  switch (expression.kind) {
  case ExpressionKind::Constant:
    return expression.constant;
  case ExpressionKind::Name:
    return lookUp(expression.name);
  case ExpressionKind::Attribute: {
    Value object = evaluate(*expression.first);
    line = expression.line;
    return attribute(object, expression.text, budget);
  }
  case ExpressionKind::Subscript: {
    Value object = evaluate(*expression.first), index = evaluate(*expression.second);
    line = expression.line;
    return subscript(object, index, budget);
  }
  case ExpressionKind::Slice:
    return evaluateSlice(expression);
  case ExpressionKind::Call:
    return call(expression);
  case ExpressionKind::Filter:
    return evaluateFilter(expression);
  case ExpressionKind::Test:
    return evaluateTest(expression);
  case ExpressionKind::Negate:
    return negate(evaluate(*expression.first));
  case ExpressionKind::Not:
    return Value::boolean(!truthOf(evaluate(*expression.first)));
  case ExpressionKind::Binary: {
    Value left = evaluate(*expression.first), right = evaluate(*expression.second);
    line = expression.line;
    return apply(expression.op, left, right, budget);
  }
  case ExpressionKind::And: {
    Value left = evaluate(*expression.first);
    return truthOf(left) ? evaluate(*expression.second) : left;
  }
  case ExpressionKind::Or: {
    Value left = evaluate(*expression.first);
    return truthOf(left) ? left : evaluate(*expression.second);
  }
  case ExpressionKind::Compare:
    return compare(expression);
  case ExpressionKind::Condition:
    if (truthOf(evaluate(*expression.second)))
      return evaluate(*expression.first);
    return expression.third ? evaluate(*expression.third)
                            : Value::undefined("the condition is false and there is no else");
  case ExpressionKind::Concat:
    return concatenate(expression);
  case ExpressionKind::List:
    return makeList(expression, Kind::List);
  case ExpressionKind::Tuple:
    return makeList(expression, Kind::Tuple);
  case ExpressionKind::Dict:
    return makeMapping(expression);
  }
  return {};
}

Value Interpreter::lookUp(size_t name) const {
  for (Scope *at = scope.get(); at; at = at->parent.get()) {
    budget.work();
    if (const Value *found = at->find(name))
      return *found;
  }
  if (globals[name])
    return *globals[name];
  return Value::undefined(fmt::format("'{}' is undefined", program.names[name]));
}

Value Interpreter::compare(const Expression &expression) {
  Value left = evaluate(*expression.first);
  for (size_t i = 0; i < expression.parts.size(); ++i) {
    Value right = evaluate(*expression.parts[i]);
    line = expression.line;
    if (!holds(expression.comparisons[i], left, right, budget))
      return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Interpreter::evaluateFilter(const Expression &expression) {
  Value input = expression.first ? evaluate(*expression.first) : *piped;
  Arguments arguments = evaluateArguments(expression.arguments);
  line = expression.line;
  if (!expression.filter)
    fail("there is no filter '{}'", expression.text);
  charge(input);
  return expression.filter(input, arguments, budget);
}

Value Interpreter::evaluateTest(const Expression &expression) {
  Value input = evaluate(*expression.first);
  Arguments arguments = evaluateArguments(expression.arguments);
  line = expression.line;
  if (!expression.test)
    fail("there is no test '{}'", expression.text);
  charge(input);
  return Value::boolean(expression.test(input, arguments, budget));
}

Value Interpreter::evaluateSlice(const Expression &expression) {
  Value object = evaluate(*expression.first), bounds[3];
  for (size_t i = 0; i < 3; ++i)
    bounds[i] = expression.parts[i] ? evaluate(*expression.parts[i]) : Value::none();
  line = expression.line;
  return slice(object, bounds[0], bounds[1], bounds[2], budget);
}

Value Interpreter::concatenate(const Expression &expression) {
  std::string text;
  for (const Expression *part : expression.parts) {
    Value value = evaluate(*part);
    if (value.is(Kind::String))
      budget.append(text, value.asString());
    else
      budget.append(text, toText(value, budget));
  }
  return Value::string(std::move(text));
}

Value Interpreter::makeList(const Expression &expression, Kind kind) {
  Items items;
  items.reserve(expression.parts.size());
  for (const Expression *part : expression.parts)
    items.push_back(evaluate(*part));
  return makeSequence(kind, std::move(items), budget);
}

Value Interpreter::makeMapping(const Expression &expression) {
  auto dict = std::make_shared<DictObject>();
  for (size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
    Value key = evaluate(*expression.parts[i]);
    dict->set(key, evaluate(*expression.parts[i + 1]), budget);
  }
  return makeDict(std::move(dict), budget);
}

Arguments Interpreter::evaluateArguments(const CallArguments &given) {
  Arguments arguments;
  for (const Expression *argument : given.positional)
    arguments.positional.push_back(evaluate(*argument));
  for (const auto &[name, argument] : given.named)
    arguments.named.emplace_back(name, evaluate(*argument));
  if (given.spread) {
    Items more = iterate(evaluate(*given.spread), budget);
    arguments.positional.insert(arguments.positional.end(), more.begin(), more.end());
  }
  if (given.spreadNamed) {
    Value more = evaluate(*given.spreadNamed);
    if (!more.is(Kind::Dict))
      fail("** needs a mapping, got '{}'", typeName(more));
    for (const auto &[name, value] : more.asDict().entries)
      arguments.named.emplace_back(stringOf(name, "**"), value);
  }
  for (const Value &value : arguments.positional)
    charge(value);
  return arguments;
}

Value Interpreter::call(const Expression &expression, const Value *caller) {
  const Expression &callee = *expression.first;
  Value self, called;
  bool method = callee.kind == ExpressionKind::Attribute;
  if (method)
    self = evaluate(*callee.first);
  else
    called = evaluate(callee);
  Arguments arguments = evaluateArguments(expression.arguments);
  if (caller)
    arguments.named.emplace_back("caller", *caller);
  line = expression.line;
  if (method) {
    if (self.is(Kind::Undefined))
      fail("{}", self.missing());
    charge(self);
    if (auto result = callMethod(self, callee.text, arguments, budget))
      return *result;
    called = attribute(self, callee.text, budget);
  }
  return callValue(called, arguments);
}

Value Interpreter::callValue(const Value &callee, Arguments &arguments) {
  if (callee.is(Kind::Undefined))
    fail("{}", callee.missing());
  if (callee.is(Kind::Loop) && callee.asLoop().recurse.is(Kind::Callable)) {
    Value recurse = callee.asLoop().recurse;
    return recurse.asCallable().call(arguments, budget);
  }
  if (!callee.is(Kind::Callable))
    fail("'{}' object is not callable", typeName(callee));
  return callee.asCallable().call(arguments, budget);
}

} // namespace quipu::jinja
