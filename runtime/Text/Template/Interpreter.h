// Runs a parsed template. One interpreter makes one rendering.
//
// Scopes are Jinja's: `for`, `with`, a macro and the block of a `set`, `filter` or `call` open one, `if` does not; a
// `set` goes into the innermost one and is gone with it. A macro sees the scope that it was defined in, as it is when
// the macro is called.
#pragma once

#include "runtime/Text/Template/Syntax/Ast.h"

#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

namespace quipu::jinja {

class Interpreter {
public:
  Interpreter(const Program &program, Budget &budget, std::time_t now);
  ~Interpreter();

  std::string run(const nlohmann::ordered_json &variables);
  int currentLine() const { return line; }

private:
  struct Scope {
    explicit Scope(std::shared_ptr<Scope> parent) : parent(std::move(parent)) {}
    std::shared_ptr<Scope> parent;
    std::vector<std::pair<size_t, Value>> variables; // by the number of the name

    Value *find(size_t name);
    void set(size_t name, Value value);
  };
  using ScopePointer = std::shared_ptr<Scope>;

  // Another scope, and where asked for another place for the output, for as long as it lives.
  class Frame {
  public:
    Frame(Interpreter &interpreter, ScopePointer scope, std::string *out = nullptr);
    ~Frame();
    Frame(const Frame &) = delete;
    Frame &operator=(const Frame &) = delete;

  private:
    Interpreter &interpreter;
    ScopePointer outerScope;
    std::string *outerOut;
  };

  enum class Flow : uint8_t { Next, Break, Continue };

  void addGlobals();
  void define(const char *name, Value value);
  ScopePointer newScope() { return std::make_shared<Scope>(scope); }

  Flow execute(const Body &body);
  Flow execute(const Statement &statement);
  Flow executeIf(const Statement &statement);
  Flow executeFor(const Statement &statement);
  Flow runLoop(const Statement &statement, const Value &source, unsigned depth);
  Flow executeWith(const Statement &statement);
  Flow executeSetBlock(const Statement &statement);
  Flow executeFilterBlock(const Statement &statement);
  void executeCallBlock(const Statement &statement);
  Items loopItems(const Statement &statement, const Value &source);
  void assign(const Target &target, const Value &value);
  void print(const Value &value);
  Value macroValue(const Statement &macro);
  Value callMacro(const Statement &macro, const ScopePointer &closure, Arguments &arguments);
  void bindParameters(const Statement &macro, Arguments &arguments);
  void bindRest(const Statement &macro, const Arguments &arguments, const std::vector<bool> &used);

  Value evaluate(const Expression &expression);
  Value lookUp(size_t name) const;
  Value compare(const Expression &expression);
  Value evaluateFilter(const Expression &expression);
  Value evaluateTest(const Expression &expression);
  Value evaluateSlice(const Expression &expression);
  Value concatenate(const Expression &expression);
  Value makeList(const Expression &expression, Kind kind);
  Value makeMapping(const Expression &expression);
  Value call(const Expression &expression, const Value *caller = nullptr);
  Value callValue(const Value &callee, Arguments &arguments);
  Arguments evaluateArguments(const CallArguments &given);
  void charge(const Value &value) const;

  const Program &program;
  Budget &budget;
  std::time_t now;
  ScopePointer scope;
  std::string *out = nullptr;
  const Value *piped = nullptr; // the text of a block that filters without an input take
  std::vector<std::optional<Value>> globals;
  std::optional<size_t> loopName, callerName, varargsName, kwargsName;
  int line = 1;
  // What can refer to itself, and would never be freed: emptied at the end.
  std::vector<std::shared_ptr<NamespaceObject>> namespaces;
  std::vector<ScopePointer> macroScopes;
};

} // namespace quipu::jinja
