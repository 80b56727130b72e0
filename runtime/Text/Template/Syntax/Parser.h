// Reads tokens into a Program. Divided in two: expressions, and the statements that hold them.
#pragma once

#include "runtime/Text/Template/Syntax/Ast.h"
#include "runtime/Text/Template/Syntax/Lexer.h"

#include <unordered_map>

namespace quipu::jinja {

// The expressions of a template.
class ExpressionParser {
public:
  ExpressionParser(std::vector<Token> tokens, Program &program) : tokens(std::move(tokens)), program(program) {}

protected:
  // How tuples without brackets end, and what may stand in them.
  struct TupleRules {
    bool conditions = true;        // x if y else z
    const char *endName = nullptr; // a name that ends it
    bool inBrackets = false;       // may be empty
  };

  const Token &current() const { return tokens[at]; }
  const Token &following() const { return tokens[std::min(at + 1, tokens.size() - 1)]; }
  const Token &next() { return tokens[at == tokens.size() - 1 ? at : at++]; }
  [[noreturn]] void refuse(const std::string &message) const { throw SyntaxError(current().line, message); }
  std::string describe() const;
  bool takeSign(std::string_view sign);
  bool takeName(std::string_view name);
  void expectSign(std::string_view sign);
  std::string expectName();
  size_t number(const std::string &name); // of a name in program.names

  Expression *make(ExpressionKind kind, const Expression *first = nullptr, const Expression *second = nullptr);
  const Expression *expression(bool conditions = true);
  const Expression *tuple(TupleRules rules);
  const Expression *tuple() { return tuple(TupleRules()); }
  const Expression *filters(const Expression *input, bool withoutPipe = false);
  Target target(const char *endName = nullptr, bool attributes = false);

  std::vector<Token> tokens;
  Program &program;
  size_t at = 0;
  unsigned depth = 0;

private:
  const Expression *orExpression();
  const Expression *andExpression();
  const Expression *notExpression();
  const Expression *comparison();
  const Expression *sum();
  const Expression *concatenation();
  const Expression *product();
  const Expression *power();
  const Expression *unary(bool withFilters = true);
  const Expression *primary();
  const Expression *list();
  const Expression *dict();
  const Expression *postfix(const Expression *node);
  const Expression *filtersAndTests(const Expression *node);
  const Expression *subscript(const Expression *node);
  const Expression *sliceOrIndex(const Expression *node);
  const Expression *call(const Expression *node);
  const Expression *test(const Expression *node);
  CallArguments arguments();
  void argument(CallArguments &read);
  Target oneTarget(bool attributes);
  bool tupleEnds(const TupleRules &rules) const;

  std::unordered_map<std::string, size_t> numbers;
};

class Parser : public ExpressionParser {
public:
  using ExpressionParser::ExpressionParser;
  void run();

private:
  Statement *make(StatementKind kind);
  // Statements up to a block whose name is among `ends`, which is consumed but for its arguments; gives the name.
  std::string body(Body &into, std::initializer_list<const char *> ends, const char *opener);
  void onlyBody(Statement &statement, const char *end, const char *opener);
  void text(Body &into);
  void print(Body &into);
  const Statement *statement();
  const Statement *ifStatement();
  const Statement *forStatement();
  const Statement *setStatement();
  const Statement *macro();
  const Statement *callBlock();
  const Statement *filterBlock();
  const Statement *with();
  const Statement *printStatement();
  const Statement *jump(StatementKind kind);
  void parameters(Statement &macro);
  void macroBody(Statement &macro, const char *end, const char *opener);

  unsigned loops = 0; // around the current place, within a macro
};

} // namespace quipu::jinja
