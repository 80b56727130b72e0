// The tree of a parsed template. Nodes lie in Program and point to each other; names are numbers, places in
// Program::names.
#pragma once

#include "runtime/Text/Template/Function/Filters.h"
#include "runtime/Text/Template/Function/Tests.h"
#include "runtime/Text/Template/Value/Operators.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quipu::jinja {

enum class ExpressionKind : uint8_t {
  Constant,
  Name,
  Attribute, // first.name
  Subscript, // first[second]
  Slice,     // first[parts[0]:parts[1]:parts[2]]; a part may be null
  Call,      // first(arguments)
  Filter,    // first | filter(arguments); null first: the text of a block
  Test,      // first is test(arguments)
  Negate,
  Not,
  Binary, // first op second
  And,
  Or,
  Compare,   // first, then (comparison, operand) pairs
  Condition, // first if second else third; third may be null
  Concat,    // parts joined as text
  List,
  Tuple,
  Dict // parts: key, value, key, value
};

enum class Comparison : uint8_t { Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, In, NotIn };

struct Expression;

struct CallArguments {
  std::vector<const Expression *> positional;
  std::vector<std::pair<std::string, const Expression *>> named;
  const Expression *spread = nullptr, *spreadNamed = nullptr; // *list, **dict
};

struct Expression {
  ExpressionKind kind;
  int line;
  const Expression *first = nullptr, *second = nullptr, *third = nullptr;
  std::vector<const Expression *> parts;
  std::vector<Comparison> comparisons; // of parts
  Value constant;
  size_t name = 0;  // of a Name
  std::string text; // of an attribute, a filter, a test
  Operator op = Operator::Add;
  Filter filter = nullptr; // null: there is none of this name
  Test test = nullptr;
  CallArguments arguments;
};

// Where a value goes: a name, an attribute of a namespace, or several of them for the items of a sequence.
struct Target {
  enum Kind : uint8_t { Name, Attribute, Several } kind = Name;
  size_t name = 0;
  std::string attribute;
  std::vector<Target> targets;
};

enum class StatementKind : uint8_t {
  Text,
  Print,
  If,
  For,
  Set,
  SetBlock,
  Macro,
  CallBlock,
  FilterBlock,
  With,
  Scope, // {% generation %}: marks what the model wrote, for training
  Break,
  Continue
};

struct Statement;
using Body = std::vector<const Statement *>;

struct Parameter {
  size_t name;
  const Expression *fallback; // null: none
};

struct Statement {
  StatementKind kind;
  int line;
  std::string text;                      // of a text; a macro's name
  std::vector<const Expression *> tests; // of if and elif; values of with; what is printed
  std::vector<Body> bodies;              // for each test; or the one body
  Body otherwise;                        // else
  std::vector<Target> targets;           // of for, set and with
  const Expression *value = nullptr;     // gone over, set, called; the filters of a block
  const Expression *only = nullptr;      // for ... if
  bool recursive = false;
  size_t name = 0; // of a macro
  std::vector<Parameter> parameters;
  bool takesVarargs = false, takesKwargs = false, takesCaller = false;
};

struct Program {
  std::vector<std::string> names;
  std::vector<std::unique_ptr<Expression>> expressions;
  std::vector<std::unique_ptr<Statement>> statements;
  Body body;

  std::optional<size_t> find(std::string_view name) const;
};

// Throws SyntaxError.
std::unique_ptr<Program> parse(std::string_view source);

} // namespace quipu::jinja
