#include "runtime/Text/Template/Interpreter.h"
#include "runtime/Text/Template/Value/Print.h"

#include <algorithm>

namespace quipu::jinja {

Value *Interpreter::Scope::find(size_t name) {
  auto same = [name](const auto &variable) { return variable.first == name; };
  auto found = std::find_if(variables.begin(), variables.end(), same);
  return found == variables.end() ? nullptr : &found->second;
}

void Interpreter::Scope::set(size_t name, Value value) {
  if (Value *place = find(name))
    *place = std::move(value);
  else
    variables.emplace_back(name, std::move(value));
}

Interpreter::Frame::Frame(Interpreter &interpreter, ScopePointer scope, std::string *out)
    : interpreter(interpreter), outerScope(std::move(interpreter.scope)), outerOut(interpreter.out) {
  interpreter.scope = std::move(scope);
  if (out)
    interpreter.out = out;
}

Interpreter::Frame::~Frame() {
  interpreter.scope = std::move(outerScope);
  interpreter.out = outerOut;
}

Interpreter::Interpreter(const Program &program, Budget &budget, std::time_t now)
    : program(program), budget(budget), now(now), scope(std::make_shared<Scope>(nullptr)),
      globals(program.names.size()), loopName(program.find("loop")), callerName(program.find("caller")),
      varargsName(program.find("varargs")), kwargsName(program.find("kwargs")) {}

Interpreter::~Interpreter() {
  for (const auto &object : namespaces)
    object->attributes.clear();
  for (const ScopePointer &captured : macroScopes)
    captured->variables.clear();
}

std::string Interpreter::run(const nlohmann::ordered_json &variables) {
  addGlobals();
  for (const auto &item : variables.items())
    if (auto number = program.find(item.key()))
      globals[*number] = fromJson(item.value(), budget);
  std::string rendered;
  out = &rendered;
  execute(program.body);
  return rendered;
}

void Interpreter::print(const Value &value) {
  if (value.is(Kind::String))
    budget.append(*out, value.asString());
  else
    budget.append(*out, toText(value, budget));
}

Interpreter::Flow Interpreter::execute(const Body &body) {
  for (const Statement *statement : body)
    if (Flow flow = execute(*statement); flow != Flow::Next)
      return flow;
  return Flow::Next;
}

Interpreter::Flow Interpreter::execute(const Statement &statement) {
  DepthGuard guard(budget);
  budget.work();
  line = statement.line;
  switch (statement.kind) {
  case StatementKind::Text:
    budget.append(*out, statement.text);
    break;
  case StatementKind::Print:
    for (const Expression *printed : statement.tests)
      print(evaluate(*printed));
    break;
  case StatementKind::If:
    return executeIf(statement);
  case StatementKind::For:
    return executeFor(statement);
  case StatementKind::Set:
    assign(statement.targets[0], evaluate(*statement.value));
    break;
  case StatementKind::SetBlock:
    return executeSetBlock(statement);
  case StatementKind::Macro:
    macroScopes.push_back(scope);
    scope->set(statement.name, macroValue(statement));
    break;
  case StatementKind::CallBlock:
    executeCallBlock(statement);
    break;
  case StatementKind::FilterBlock:
    return executeFilterBlock(statement);
  case StatementKind::With:
    return executeWith(statement);
  case StatementKind::Scope: {
    Frame frame(*this, newScope());
    return execute(statement.bodies[0]);
  }
  case StatementKind::Break:
    return Flow::Break;
  case StatementKind::Continue:
    return Flow::Continue;
  }
  return Flow::Next;
}

Interpreter::Flow Interpreter::executeIf(const Statement &statement) {
  for (size_t i = 0; i < statement.tests.size(); ++i)
    if (truthOf(evaluate(*statement.tests[i])))
      return execute(statement.bodies[i]);
  return execute(statement.otherwise);
}

void Interpreter::assign(const Target &target, const Value &value) {
  if (target.kind == Target::Name)
    return scope->set(target.name, value);
  if (target.kind == Target::Several) {
    Items items = iterate(value, budget);
    if (items.size() != target.targets.size())
      fail("{} values cannot be given to {} names", items.size(), target.targets.size());
    for (size_t i = 0; i < items.size(); ++i)
      assign(target.targets[i], items[i]);
    return;
  }
  Value object = lookUp(target.name);
  if (!object.is(Kind::Namespace))
    fail("cannot set '{}' of what is no namespace", target.attribute);
  object.asNamespace().set(target.attribute, value);
}

// The items that the loop goes over: those that pass its `if`.
Items Interpreter::loopItems(const Statement &statement, const Value &source) {
  Items items = iterate(source, budget);
  if (!statement.only)
    return items;
  Items kept;
  for (const Value &item : items) {
    Frame frame(*this, newScope());
    assign(statement.targets[0], item);
    if (truthOf(evaluate(*statement.only)))
      kept.push_back(item);
  }
  return kept;
}

Interpreter::Flow Interpreter::executeFor(const Statement &statement) {
  return runLoop(statement, evaluate(*statement.value), 1);
}

Interpreter::Flow Interpreter::runLoop(const Statement &statement, const Value &source, unsigned depth) {
  auto loop = std::make_shared<LoopObject>();
  loop->items = loopItems(statement, source);
  loop->depth = depth;
  if (statement.recursive)
    loop->recurse = Value::callable("loop", [this, &statement, depth](Arguments &arguments, Budget &) {
      arguments.bind("loop", {"iterable"});
      std::string text;
      Frame frame(*this, newScope(), &text);
      runLoop(statement, arguments.at(0), depth + 1);
      return Value::string(std::move(text));
    });
  // As in Jinja, `else` runs unless some round has come to its end; `break` and `continue` are no such end.
  bool completed = false;
  ScopePointer inner = newScope();
  for (size_t i = 0; i < loop->items.size(); ++i) {
    budget.work();
    loop->index = i;
    if (inner.use_count() > 1) // a macro has kept it
      inner = newScope();
    inner->variables.clear();
    if (loopName)
      inner->set(*loopName, Value::of(loop));
    Frame frame(*this, inner);
    assign(statement.targets[0], loop->items[i]);
    Flow flow = execute(statement.bodies[0]);
    if (flow == Flow::Break)
      break;
    completed |= flow == Flow::Next;
  }
  loop->recurse = Value();
  if (completed || statement.otherwise.empty())
    return Flow::Next;
  Frame frame(*this, newScope());
  return execute(statement.otherwise);
}

Interpreter::Flow Interpreter::executeWith(const Statement &statement) {
  ScopePointer inner = newScope();
  for (size_t i = 0; i < statement.targets.size(); ++i) {
    Value value = evaluate(*statement.tests[i]); // sees the scope outside
    Frame frame(*this, inner);
    assign(statement.targets[i], value);
  }
  Frame frame(*this, inner);
  return execute(statement.bodies[0]);
}

Interpreter::Flow Interpreter::executeSetBlock(const Statement &statement) {
  std::string text;
  {
    Frame frame(*this, newScope(), &text);
    if (Flow flow = execute(statement.bodies[0]); flow != Flow::Next)
      return flow;
  }
  Value value = Value::string(std::move(text));
  if (statement.value) {
    const Value *outer = std::exchange(piped, &value);
    Value filtered = evaluate(*statement.value);
    piped = outer;
    value = filtered;
  }
  assign(statement.targets[0], value);
  return Flow::Next;
}

Interpreter::Flow Interpreter::executeFilterBlock(const Statement &statement) {
  std::string text;
  {
    Frame frame(*this, newScope(), &text);
    if (Flow flow = execute(statement.bodies[0]); flow != Flow::Next)
      return flow;
  }
  Value value = Value::string(std::move(text));
  const Value *outer = std::exchange(piped, &value);
  print(evaluate(*statement.value));
  piped = outer;
  return Flow::Next;
}

void Interpreter::executeCallBlock(const Statement &statement) {
  Value caller = macroValue(statement);
  print(call(*statement.value, &caller));
}

Value Interpreter::macroValue(const Statement &macro) {
  return Value::callable(macro.text, [this, &macro, closure = scope](Arguments &arguments, Budget &) {
    return callMacro(macro, closure, arguments);
  });
}

Value Interpreter::callMacro(const Statement &macro, const ScopePointer &closure, Arguments &arguments) {
  DepthGuard guard(budget);
  int callLine = line;
  std::string text;
  Frame frame(*this, std::make_shared<Scope>(closure), &text);
  bindParameters(macro, arguments);
  execute(macro.bodies[0]);
  line = callLine;
  return Value::string(std::move(text));
}

void Interpreter::bindParameters(const Statement &macro, Arguments &arguments) {
  std::vector<bool> used(arguments.named.size());
  std::vector<const Parameter *> missing;
  for (size_t i = 0; i < macro.parameters.size(); ++i) {
    const Parameter &parameter = macro.parameters[i];
    if (i < arguments.positional.size()) {
      scope->set(parameter.name, arguments.positional[i]);
      continue;
    }
    const std::string &name = program.names[parameter.name];
    auto found = std::find_if(arguments.named.begin(), arguments.named.end(),
                              [&](const auto &argument) { return argument.first == name; });
    if (found == arguments.named.end()) {
      missing.push_back(&parameter);
      continue;
    }
    used[static_cast<size_t>(found - arguments.named.begin())] = true;
    scope->set(parameter.name, found->second);
  }
  for (const Parameter *parameter : missing)
    scope->set(parameter->name, parameter->fallback ? evaluate(*parameter->fallback)
                                                    : Value::undefined(fmt::format("parameter '{}' was not provided",
                                                                                   program.names[parameter->name])));
  bindRest(macro, arguments, used);
}

// varargs, kwargs and caller, where the macro names them.
void Interpreter::bindRest(const Statement &macro, const Arguments &arguments, const std::vector<bool> &used) {
  Items positional;
  for (size_t i = macro.parameters.size(); i < arguments.positional.size(); ++i)
    positional.push_back(arguments.positional[i]);
  if (!positional.empty() && !macro.takesVarargs)
    fail("macro '{}' takes at most {} arguments", macro.text, macro.parameters.size());
  auto named = std::make_shared<DictObject>();
  Value caller = Value::undefined("no caller is there");
  bool hasCaller = false;
  for (size_t i = 0; i < used.size(); ++i) {
    const auto &[name, value] = arguments.named[i];
    if (used[i])
      hasCaller |= name == "caller";
    else if (name == "caller" && macro.takesCaller)
      caller = value;
    else if (macro.takesKwargs)
      named->set(Value::string(name), value, budget);
    else
      fail("macro '{}' takes no argument '{}'", macro.text, name);
  }
  if (macro.takesVarargs)
    scope->set(*varargsName, makeSequence(Kind::Tuple, std::move(positional), budget));
  if (macro.takesKwargs)
    scope->set(*kwargsName, makeDict(std::move(named), budget));
  if (macro.takesCaller && !hasCaller)
    scope->set(*callerName, caller);
}

} // namespace quipu::jinja
