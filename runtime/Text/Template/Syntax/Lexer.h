// Cuts a template into text and the tokens of its tags, as Jinja's lexer does with trim_blocks and lstrip_blocks.
#pragma once

#include "runtime/Text/Template/Value/Value.h"

#include <string>
#include <string_view>
#include <vector>

namespace quipu::jinja {

enum class TokenKind : uint8_t {
  Text,
  PrintBegin,
  PrintEnd,
  BlockBegin,
  BlockEnd,
  Name,
  String,
  Integer,
  Float,
  Sign,
  End
};

struct Token {
  TokenKind kind;
  int line;
  std::string text; // of a text, a name, an unescaped string, a sign such as "=="
  int64_t integer = 0;
  double number = 0;

  bool isName(std::string_view name) const { return kind == TokenKind::Name && text == name; }
  bool isSign(std::string_view sign) const { return kind == TokenKind::Sign && text == sign; }
};

// An error of the template's syntax.
class SyntaxError : public TemplateError {
public:
  SyntaxError(int line, const std::string &message) : TemplateError(message), line(line) {}
  int line;
};

// The last token is End.
std::vector<Token> tokenize(std::string_view source);

} // namespace quipu::jinja
