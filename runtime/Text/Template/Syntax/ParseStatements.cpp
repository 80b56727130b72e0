#include "runtime/Text/Template/Syntax/Parser.h"

#include <algorithm>

namespace quipu::jinja {

namespace {

constexpr unsigned deepestStatements = 100;
// Tags of Jinja that would read other templates, or that transformers does not know either.
constexpr std::string_view otherTemplates[] = {"include", "import", "from", "extends", "block"};

} // namespace

Statement *Parser::make(StatementKind kind) {
  program.statements.push_back(std::make_unique<Statement>());
  Statement &made = *program.statements.back();
  made.kind = kind;
  made.line = current().line;
  return &made;
}

void Parser::run() {
  while (current().kind != TokenKind::End) {
    if (current().kind == TokenKind::Text)
      text(program.body);
    else if (current().kind == TokenKind::PrintBegin)
      print(program.body);
    else
      program.body.push_back(statement());
  }
}

void Parser::text(Body &into) {
  Statement *made = make(StatementKind::Text);
  made->text = next().text;
  into.push_back(made);
}

void Parser::print(Body &into) {
  Statement *made = make(StatementKind::Print);
  next();
  made->tests.push_back(tuple());
  if (current().kind != TokenKind::PrintEnd)
    refuse(fmt::format("expected '}}}}', got '{}'", describe()));
  next();
  into.push_back(made);
}

// A whole block, its end included. `next` past "%}" is the business of each kind.
const Statement *Parser::statement() {
  if (++depth > deepestStatements)
    refuse(fmt::format("blocks are nested more than {} deep", deepestStatements));
  next(); // {%
  std::string name = expectName();
  const Statement *made = nullptr;
  if (name == "if")
    made = ifStatement();
  else if (name == "for")
    made = forStatement();
  else if (name == "set")
    made = setStatement();
  else if (name == "macro")
    made = macro();
  else if (name == "call")
    made = callBlock();
  else if (name == "filter")
    made = filterBlock();
  else if (name == "with")
    made = with();
  else if (name == "print")
    made = printStatement();
  else if (name == "break" || name == "continue")
    made = jump(name == "break" ? StatementKind::Break : StatementKind::Continue);
  else if (name == "generation") {
    Statement *scope = make(StatementKind::Scope);
    onlyBody(*scope, "endgeneration", "generation");
    made = scope;
  } else if (std::find(std::begin(otherTemplates), std::end(otherTemplates), name) != std::end(otherTemplates))
    refuse(fmt::format("'{}' is not supported: a chat template is one file", name));
  else
    refuse(fmt::format("unknown tag '{}'", name));
  if (current().kind != TokenKind::BlockEnd)
    refuse(fmt::format("expected '%}}', got '{}'", describe()));
  next();
  --depth;
  return made;
}

std::string Parser::body(Body &into, std::initializer_list<const char *> ends, const char *opener) {
  int line = current().line;
  takeSign(":");
  if (current().kind != TokenKind::BlockEnd)
    refuse(fmt::format("expected '%}}', got '{}'", describe()));
  next();
  while (true) {
    if (current().kind == TokenKind::Text) {
      text(into);
    } else if (current().kind == TokenKind::PrintBegin) {
      print(into);
    } else if (current().kind == TokenKind::BlockBegin) {
      for (const char *end : ends)
        if (following().isName(end)) {
          at += 2;
          return end;
        }
      into.push_back(statement());
    } else {
      throw SyntaxError(line, fmt::format("'{}' is not closed; expected {}", opener, *(ends.end() - 1)));
    }
  }
}

void Parser::onlyBody(Statement &statement, const char *end, const char *opener) {
  statement.bodies.emplace_back();
  body(statement.bodies[0], {end}, opener);
}

const Statement *Parser::ifStatement() {
  Statement *made = make(StatementKind::If);
  std::string end = "elif";
  while (end == "elif") {
    made->tests.push_back(tuple({/*conditions=*/false, nullptr, false}));
    made->bodies.emplace_back();
    end = body(made->bodies.back(), {"elif", "else", "endif"}, "if");
  }
  if (end == "else")
    body(made->otherwise, {"endif"}, "if");
  return made;
}

const Statement *Parser::forStatement() {
  Statement *made = make(StatementKind::For);
  made->targets.push_back(target("in"));
  if (!takeName("in"))
    refuse(fmt::format("expected 'in', got '{}'", describe()));
  made->value = tuple({/*conditions=*/false, "recursive", false});
  if (takeName("if"))
    made->only = expression();
  made->recursive = takeName("recursive");
  ++loops;
  made->bodies.emplace_back();
  std::string end = body(made->bodies[0], {"else", "endfor"}, "for");
  --loops;
  if (end == "else")
    body(made->otherwise, {"endfor"}, "for");
  return made;
}

const Statement *Parser::setStatement() {
  Statement *made = make(StatementKind::Set);
  made->targets.push_back(target(nullptr, /*attributes=*/true));
  if (takeSign("=")) {
    made->value = tuple();
    return made;
  }
  made->kind = StatementKind::SetBlock;
  made->value = filters(nullptr);
  onlyBody(*made, "endset", "set");
  return made;
}

void Parser::parameters(Statement &macro) {
  expectSign("(");
  while (!current().isSign(")")) {
    Parameter parameter = {number(expectName()), nullptr};
    if (takeSign("="))
      parameter.fallback = expression();
    else if (!macro.parameters.empty() && macro.parameters.back().fallback)
      refuse("a parameter without a default follows one that has one");
    macro.parameters.push_back(parameter);
    if (!takeSign(","))
      break;
  }
  expectSign(")");
}

// A macro takes the special arguments that its body names.
void Parser::macroBody(Statement &macro, const char *end, const char *opener) {
  unsigned outerLoops = loops;
  loops = 0;
  size_t begin = at;
  onlyBody(macro, end, opener);
  loops = outerLoops;
  auto names = [&](const char *name) {
    return std::any_of(tokens.begin() + static_cast<ptrdiff_t>(begin), tokens.begin() + static_cast<ptrdiff_t>(at),
                       [&](const Token &token) { return token.isName(name); });
  };
  macro.takesVarargs = names("varargs");
  macro.takesKwargs = names("kwargs");
  macro.takesCaller = names("caller");
}

const Statement *Parser::macro() {
  Statement *made = make(StatementKind::Macro);
  made->text = expectName();
  made->name = number(made->text);
  parameters(*made);
  macroBody(*made, "endmacro", "macro");
  return made;
}

const Statement *Parser::callBlock() {
  Statement *made = make(StatementKind::CallBlock);
  made->text = "caller";
  if (current().isSign("("))
    parameters(*made);
  made->value = expression();
  if (made->value->kind != ExpressionKind::Call)
    refuse("'call' needs the call of a macro");
  macroBody(*made, "endcall", "call");
  return made;
}

const Statement *Parser::filterBlock() {
  Statement *made = make(StatementKind::FilterBlock);
  made->value = filters(nullptr, /*withoutPipe=*/true);
  onlyBody(*made, "endfilter", "filter");
  return made;
}

const Statement *Parser::with() {
  Statement *made = make(StatementKind::With);
  while (current().kind != TokenKind::BlockEnd && !current().isSign(":")) {
    made->targets.push_back(target());
    expectSign("=");
    made->tests.push_back(expression());
    if (!takeSign(","))
      break;
  }
  onlyBody(*made, "endwith", "with");
  return made;
}

const Statement *Parser::printStatement() {
  Statement *made = make(StatementKind::Print);
  while (current().kind != TokenKind::BlockEnd) {
    made->tests.push_back(expression());
    if (!takeSign(","))
      break;
  }
  return made;
}

const Statement *Parser::jump(StatementKind kind) {
  if (loops == 0)
    refuse(fmt::format("'{}' stands outside a loop", kind == StatementKind::Break ? "break" : "continue"));
  return make(kind);
}

std::unique_ptr<Program> parse(std::string_view source) {
  auto program = std::make_unique<Program>();
  Parser(tokenize(source), *program).run();
  return program;
}

} // namespace quipu::jinja
