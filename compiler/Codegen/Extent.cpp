#include "compiler/Codegen/Extent.h"

#include <cctype>

namespace quipu {
namespace {

using Number = std::optional<int64_t>;

bool isWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Recursive descent; operators of one level associate to the left.
class Parser {
public:
  Parser(std::string_view text, const ExtentParams &params) : rest(text), params(params) {}

  Number whole() {
    Number value = sum();
    skipBlanks();
    return rest.empty() ? value : std::nullopt;
  }

private:
  Number sum() {
    Number value = product();
    for (char op = take("+-"); op && value; op = take("+-")) {
      Number next = product();
      value = !next ? next : op == '+' ? *value + *next : *value - *next;
    }
    return value;
  }

  Number product() {
    Number value = factor();
    for (char op = take("*/"); op && value; op = take("*/")) {
      Number next = factor();
      if (!next || (op == '/' && *next == 0))
        return std::nullopt;
      value = op == '*' ? *value * *next : *value / *next;
    }
    return value;
  }

  Number factor() {
    if (take("(")) {
      Number value = sum();
      return take(")") ? value : std::nullopt;
    }
    size_t length = 0;
    while (length < rest.size() && isWord(rest[length]))
      ++length;
    std::string_view word = rest.substr(0, length);
    rest.remove_prefix(length);
    if (word.empty())
      return std::nullopt;
    if (!std::isdigit(static_cast<unsigned char>(word[0])))
      return params(word);
    int64_t value = 0;
    for (char digit : word) {
      if (!std::isdigit(static_cast<unsigned char>(digit)))
        return std::nullopt;
      value = value * 10 + (digit - '0');
    }
    return value;
  }

  // The next character that is no blank, where it is one of these; else 0.
  char take(std::string_view characters) {
    skipBlanks();
    if (rest.empty() || characters.find(rest[0]) == characters.npos)
      return 0;
    char found = rest[0];
    rest.remove_prefix(1);
    skipBlanks();
    return found;
  }

  void skipBlanks() {
    while (!rest.empty() && rest[0] == ' ')
      rest.remove_prefix(1);
  }

  std::string_view rest;
  const ExtentParams &params;
};

} // namespace

std::optional<int64_t> evaluateExtent(std::string_view expression, const ExtentParams &params) {
  return Parser(expression, params).whole();
}

} // namespace quipu
