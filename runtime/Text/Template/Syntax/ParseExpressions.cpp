#include "runtime/Text/Template/Syntax/Parser.h"

namespace quipu::jinja {

namespace {

constexpr unsigned deepest = 200;

struct Level {
  explicit Level(unsigned &depth) : depth(++depth) {}
  ~Level() { --depth; }
  Level(const Level &) = delete;
  Level &operator=(const Level &) = delete;
  unsigned &depth;
};

} // namespace

std::string ExpressionParser::describe() const {
  switch (current().kind) {
  case TokenKind::Text:
    return "text";
  case TokenKind::PrintEnd:
    return "}}";
  case TokenKind::BlockEnd:
    return "%}";
  case TokenKind::Name:
  case TokenKind::Sign:
    return current().text;
  case TokenKind::String:
    return "a string";
  case TokenKind::Integer:
  case TokenKind::Float:
    return "a number";
  case TokenKind::End:
    return "the end of the template";
  default:
    return "a tag";
  }
}

bool ExpressionParser::takeSign(std::string_view sign) {
  bool found = current().isSign(sign);
  at += found;
  return found;
}

bool ExpressionParser::takeName(std::string_view name) {
  bool found = current().isName(name);
  at += found;
  return found;
}

void ExpressionParser::expectSign(std::string_view sign) {
  if (!takeSign(sign))
    refuse(fmt::format("expected '{}', got '{}'", sign, describe()));
}

std::string ExpressionParser::expectName() {
  if (current().kind != TokenKind::Name)
    refuse(fmt::format("expected a name, got '{}'", describe()));
  return next().text;
}

size_t ExpressionParser::number(const std::string &name) {
  auto [place, isNew] = numbers.try_emplace(name, program.names.size());
  if (isNew)
    program.names.push_back(name);
  return place->second;
}

Expression *ExpressionParser::make(ExpressionKind kind, const Expression *first, const Expression *second) {
  program.expressions.push_back(std::make_unique<Expression>());
  Expression &made = *program.expressions.back();
  made.kind = kind;
  made.line = current().line;
  made.first = first;
  made.second = second;
  return &made;
}

const Expression *ExpressionParser::expression(bool conditions) {
  Level level(depth);
  if (depth > deepest)
    refuse(fmt::format("expressions are nested more than {} deep", deepest));
  const Expression *value = orExpression();
  while (conditions && takeName("if")) {
    Expression *condition = make(ExpressionKind::Condition, value);
    condition->second = orExpression();
    if (takeName("else"))
      condition->third = expression();
    value = condition;
  }
  return value;
}

const Expression *ExpressionParser::orExpression() {
  const Expression *left = andExpression();
  while (takeName("or"))
    left = make(ExpressionKind::Or, left, andExpression());
  return left;
}

const Expression *ExpressionParser::andExpression() {
  const Expression *left = notExpression();
  while (takeName("and"))
    left = make(ExpressionKind::And, left, notExpression());
  return left;
}

const Expression *ExpressionParser::notExpression() {
  if (!takeName("not"))
    return comparison();
  Level level(depth);
  if (depth > deepest)
    refuse(fmt::format("expressions are nested more than {} deep", deepest));
  return make(ExpressionKind::Not, notExpression());
}

const Expression *ExpressionParser::comparison() {
  constexpr std::pair<std::string_view, Comparison> signs[] = {
      {"==", Comparison::Equal},     {"!=", Comparison::NotEqual}, {"<", Comparison::Less},
      {"<=", Comparison::LessEqual}, {">", Comparison::Greater},   {">=", Comparison::GreaterEqual}};
  const Expression *left = sum();
  Expression *chain = nullptr;
  auto add = [&](Comparison comparison) {
    if (!chain)
      chain = make(ExpressionKind::Compare, left);
    chain->comparisons.push_back(comparison);
    chain->parts.push_back(sum());
  };
  while (true) {
    bool found = false;
    for (auto [sign, comparison] : signs)
      if (!found && takeSign(sign)) {
        add(comparison);
        found = true;
      }
    if (found)
      continue;
    if (takeName("in")) {
      add(Comparison::In);
    } else if (current().isName("not") && following().isName("in")) {
      at += 2;
      add(Comparison::NotIn);
    } else {
      return chain ? chain : left;
    }
  }
}

const Expression *ExpressionParser::sum() {
  const Expression *left = concatenation();
  while (current().isSign("+") || current().isSign("-")) {
    Operator op = next().text == "+" ? Operator::Add : Operator::Subtract;
    Expression *made = make(ExpressionKind::Binary, left);
    made->op = op;
    made->second = concatenation();
    left = made;
  }
  return left;
}

const Expression *ExpressionParser::concatenation() {
  const Expression *left = product();
  if (!current().isSign("~"))
    return left;
  Expression *joined = make(ExpressionKind::Concat);
  joined->parts.push_back(left);
  while (takeSign("~"))
    joined->parts.push_back(product());
  return joined;
}

const Expression *ExpressionParser::product() {
  constexpr std::pair<std::string_view, Operator> signs[] = {
      {"*", Operator::Multiply}, {"/", Operator::Divide}, {"//", Operator::FloorDivide}, {"%", Operator::Modulo}};
  const Expression *left = power();
  for (size_t i = 0; i < std::size(signs);) {
    if (!takeSign(signs[i].first)) {
      ++i;
      continue;
    }
    Expression *made = make(ExpressionKind::Binary, left);
    made->op = signs[i].second;
    made->second = power();
    left = made;
    i = 0;
  }
  return left;
}

const Expression *ExpressionParser::power() {
  const Expression *left = unary();
  while (takeSign("**")) {
    Expression *made = make(ExpressionKind::Binary, left);
    made->op = Operator::Power;
    made->second = unary();
    left = made;
  }
  return left;
}

// A sign binds closer than filters: -x | abs is (-x) | abs.
const Expression *ExpressionParser::unary(bool withFilters) {
  Level level(depth);
  if (depth > deepest)
    refuse(fmt::format("expressions are nested more than {} deep", deepest));
  const Expression *value;
  if (takeSign("-"))
    value = make(ExpressionKind::Negate, unary(false));
  else if (takeSign("+"))
    value = unary(false);
  else
    value = primary();
  value = postfix(value);
  return withFilters ? filtersAndTests(value) : value;
}

const Expression *ExpressionParser::primary() {
  const Token &token = current();
  Expression *made = make(ExpressionKind::Constant);
  switch (token.kind) {
  case TokenKind::Name: {
    std::string name = next().text;
    if (name == "true" || name == "True" || name == "false" || name == "False") {
      made->constant = Value::boolean(name == "true" || name == "True");
    } else if (name == "none" || name == "None") {
      made->constant = Value::none();
    } else {
      made->kind = ExpressionKind::Name;
      made->name = number(name);
    }
    return made;
  }
  case TokenKind::String: {
    std::string text;
    while (current().kind == TokenKind::String) // neighbours are one string
      text += next().text;
    made->constant = Value::string(std::move(text));
    return made;
  }
  case TokenKind::Integer:
    made->constant = Value::integer(next().integer);
    return made;
  case TokenKind::Float:
    made->constant = Value::number(next().number);
    return made;
  default:
    break;
  }
  if (takeSign("(")) {
    const Expression *value = tuple({/*conditions=*/true, nullptr, /*inBrackets=*/true});
    expectSign(")");
    return value;
  }
  if (token.isSign("["))
    return list();
  if (token.isSign("{"))
    return dict();
  refuse(fmt::format("unexpected '{}'", describe()));
}

bool ExpressionParser::tupleEnds(const TupleRules &rules) const {
  return current().kind == TokenKind::PrintEnd || current().kind == TokenKind::BlockEnd || current().isSign(")") ||
         (rules.endName && current().isName(rules.endName));
}

const Expression *ExpressionParser::tuple(TupleRules rules) {
  std::vector<const Expression *> items;
  bool several = false;
  while (!tupleEnds(rules)) {
    items.push_back(expression(rules.conditions));
    if (!takeSign(","))
      break;
    several = true;
  }
  if (!several && !items.empty())
    return items[0];
  if (!several && !rules.inBrackets)
    refuse(fmt::format("expected an expression, got '{}'", describe()));
  Expression *made = make(ExpressionKind::Tuple);
  made->parts = std::move(items);
  return made;
}

const Expression *ExpressionParser::list() {
  expectSign("[");
  Expression *made = make(ExpressionKind::List);
  while (!current().isSign("]")) {
    made->parts.push_back(expression());
    if (!takeSign(","))
      break;
  }
  expectSign("]");
  return made;
}

const Expression *ExpressionParser::dict() {
  expectSign("{");
  Expression *made = make(ExpressionKind::Dict);
  while (!current().isSign("}")) {
    made->parts.push_back(expression());
    expectSign(":");
    made->parts.push_back(expression());
    if (!takeSign(","))
      break;
  }
  expectSign("}");
  return made;
}

const Expression *ExpressionParser::postfix(const Expression *node) {
  while (true) {
    if (current().isSign(".") || current().isSign("["))
      node = subscript(node);
    else if (current().isSign("("))
      node = call(node);
    else
      return node;
  }
}

const Expression *ExpressionParser::filtersAndTests(const Expression *node) {
  while (true) {
    if (current().isSign("|"))
      node = filters(node);
    else if (current().isName("is"))
      node = test(node);
    else if (current().isSign("("))
      node = call(node);
    else
      return node;
  }
}

const Expression *ExpressionParser::subscript(const Expression *node) {
  if (takeSign("[")) {
    const Expression *made = sliceOrIndex(node);
    expectSign("]");
    return made;
  }
  expectSign(".");
  if (current().kind == TokenKind::Integer) {
    Expression *index = make(ExpressionKind::Constant);
    index->constant = Value::integer(next().integer);
    return make(ExpressionKind::Subscript, node, index);
  }
  Expression *made = make(ExpressionKind::Attribute, node);
  made->text = expectName();
  return made;
}

const Expression *ExpressionParser::sliceOrIndex(const Expression *node) {
  auto partEnds = [&] { return current().isSign(":") || current().isSign("]"); };
  const Expression *first = current().isSign(":") ? nullptr : tuple();
  if (!takeSign(":"))
    return make(ExpressionKind::Subscript, node, first);
  Expression *made = make(ExpressionKind::Slice, node);
  made->parts = {first, nullptr, nullptr};
  if (!partEnds())
    made->parts[1] = expression();
  if (takeSign(":") && !partEnds())
    made->parts[2] = expression();
  return made;
}

const Expression *ExpressionParser::call(const Expression *node) {
  Expression *made = make(ExpressionKind::Call, node);
  made->arguments = arguments();
  return made;
}

CallArguments ExpressionParser::arguments() {
  CallArguments read;
  expectSign("(");
  while (!current().isSign(")")) {
    argument(read);
    if (!takeSign(","))
      break;
  }
  expectSign(")");
  return read;
}

void ExpressionParser::argument(CallArguments &read) {
  bool inOrder = !read.spreadNamed;
  if (takeSign("*")) {
    inOrder &= !read.spread;
    read.spread = expression();
  } else if (takeSign("**")) {
    read.spreadNamed = expression();
  } else if (current().kind == TokenKind::Name && following().isSign("=")) {
    std::string name = next().text;
    next();
    read.named.emplace_back(std::move(name), expression());
  } else {
    inOrder &= !read.spread && read.named.empty();
    read.positional.push_back(expression());
  }
  if (!inOrder)
    refuse("arguments of a call are in the wrong order");
}

const Expression *ExpressionParser::filters(const Expression *input, bool withoutPipe) {
  while (withoutPipe || takeSign("|")) {
    withoutPipe = false;
    Expression *made = make(ExpressionKind::Filter, input);
    made->text = expectName();
    made->filter = findFilter(made->text);
    if (current().isSign("("))
      made->arguments = arguments();
    input = made;
  }
  return input;
}

const Expression *ExpressionParser::test(const Expression *node) {
  next(); // is
  bool negated = takeName("not");
  Expression *made = make(ExpressionKind::Test, node);
  made->text = expectName();
  made->test = findTest(made->text);
  const Token &token = current();
  bool word = token.kind == TokenKind::Name && !token.isName("else") && !token.isName("or") && !token.isName("and");
  bool literal = token.kind == TokenKind::String || token.kind == TokenKind::Integer || token.kind == TokenKind::Float;
  if (token.isSign("(")) {
    made->arguments = arguments();
  } else if (word || literal || token.isSign("[") || token.isSign("{")) {
    if (token.isName("is"))
      refuse("tests cannot be chained with is");
    made->arguments.positional.push_back(postfix(primary()));
  }
  return negated ? make(ExpressionKind::Not, made) : made;
}

Target ExpressionParser::oneTarget(bool attributes) {
  Level level(depth);
  if (depth > deepest)
    refuse(fmt::format("targets are nested more than {} deep", deepest));
  Target read;
  if (takeSign("(")) {
    read = target(nullptr, attributes);
    expectSign(")");
    return read;
  }
  std::string name = expectName();
  for (const char *constant : {"true", "false", "none", "True", "False", "None", "loop"})
    if (name == constant)
      refuse(fmt::format("cannot assign to '{}'", name));
  read.name = number(name);
  if (attributes && takeSign(".")) {
    read.kind = Target::Attribute;
    read.attribute = expectName();
  }
  return read;
}

Target ExpressionParser::target(const char *endName, bool attributes) {
  Target first = oneTarget(attributes);
  if (!current().isSign(","))
    return first;
  Target several;
  several.kind = Target::Several;
  several.targets.push_back(std::move(first));
  TupleRules rules{true, endName, false};
  while (takeSign(",") && !tupleEnds(rules) && !current().isSign("="))
    several.targets.push_back(oneTarget(attributes));
  return several;
}

std::optional<size_t> Program::find(std::string_view name) const {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name)
      return i;
  return std::nullopt;
}

} // namespace quipu::jinja
