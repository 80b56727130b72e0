#include "runtime/Text/Template/Syntax/Lexer.h"

#include "runtime/Support/Utf8.h"
#include "runtime/Text/Template/Value/CodePoints.h"
#include "runtime/Text/UnicodeClasses.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace quipu::jinja {

namespace {

// Line breaks as \n, and not the last one.
std::string normalizeNewlines(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text += '\n';
      i += i + 1 < source.size() && source[i + 1] == '\n';
    } else {
      text += source[i];
    }
  }
  if (!text.empty() && text.back() == '\n')
    text.pop_back();
  return text;
}

bool isNameStart(char32_t c) { return c == '_' || (isWordCharacter(c) && !isNumeric(c)); }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; }

class Lexer {
public:
  explicit Lexer(std::string_view given) : source(normalizeNewlines(given)) {}

  std::vector<Token> run() {
    while (at < source.size())
      textAndTag();
    add(TokenKind::End, "");
    return std::move(tokens);
  }

private:
  std::string_view rest() const { return std::string_view(source).substr(at); }
  bool startsWith(std::string_view prefix) const { return rest().substr(0, prefix.size()) == prefix; }

  [[noreturn]] void refuse(const std::string &message) const { throw SyntaxError(line, message); }

  void add(TokenKind kind, std::string text) { tokens.push_back({kind, line, std::move(text)}); }

  void advance(size_t count) {
    line += static_cast<int>(std::count(source.begin() + static_cast<ptrdiff_t>(at),
                                        source.begin() + static_cast<ptrdiff_t>(at + count), '\n'));
    at += count;
  }

  void skipSpace() { advance(rest().size() - strip(rest(), Side::Left).size()); }

  // The text up to the next tag, and the tag.
  void textAndTag() {
    size_t begin = at;
    while (begin < source.size() && !(source[begin] == '{' && begin + 1 < source.size() &&
                                      std::string_view("{%#").find(source[begin + 1]) != std::string_view::npos))
      ++begin;
    std::string_view text = rest().substr(0, begin - at);
    if (begin == source.size())
      return addText(text);
    char type = source[begin + 1], sign = begin + 2 < source.size() ? source[begin + 2] : ' ';
    addText(stripped(text, sign, type));
    advance(2 + (sign == '-' || sign == '+'));
    if (type == '#')
      comment();
    else if (type == '{')
      tag(TokenKind::PrintBegin, TokenKind::PrintEnd, "}}");
    else if (!raw())
      tag(TokenKind::BlockBegin, TokenKind::BlockEnd, "%}");
  }

  // Appends a text and goes past what of the source stood for it.
  void addText(std::string_view text) { addText(text, text.size()); }
  void addText(std::string_view text, size_t length) {
    if (!text.empty())
      add(TokenKind::Text, std::string(text));
    advance(length);
  }
  struct Stripped {
    std::string_view text;
    size_t length;
  };
  void addText(Stripped part) { addText(part.text, part.length); }

  // White space goes before "{%-" all of it, and before a block or comment at the start of a line that of the line.
  Stripped stripped(std::string_view text, char sign, char type) const {
    if (sign == '-')
      return {strip(text, Side::Right), text.size()};
    if (sign == '+' || type == '{')
      return {text, text.size()};
    size_t lineBegin = text.rfind('\n') + 1; // 0 where there is none
    bool startsLine = lineBegin > 0 || at == 0 || source[at - 1] == '\n';
    bool onlySpace = strip(text.substr(lineBegin), Side::Left).empty();
    return {startsLine && onlySpace ? text.substr(0, lineBegin) : text, text.size()};
  }

  // After the end of a block or comment, whose closing sign begins here: one line break goes, after "-%}" all space.
  bool closes(std::string_view end, bool trims) {
    bool minus = startsWith("-") && rest().substr(1, end.size()) == end;
    bool plus = trims && startsWith("+") && rest().substr(1, end.size()) == end;
    if (!minus && !plus && !startsWith(end))
      return false;
    advance(end.size() + (minus || plus));
    if (minus)
      skipSpace();
    else if (trims && !plus && startsWith("\n"))
      advance(1);
    return true;
  }

  void comment() {
    while (at < source.size()) {
      if (closes("#}", true))
        return;
      advance(1);
    }
    refuse("a comment is not closed");
  }

  // {% raw %} up to {% endraw %}; nothing where this is another block.
  bool raw() {
    std::string_view inside = strip(rest(), Side::Left);
    if (inside.substr(0, 3) != "raw")
      return false;
    inside = strip(inside.substr(3), Side::Left);
    bool minus = inside.substr(0, 3) == "-%}";
    if (!minus && inside.substr(0, 2) != "%}")
      return false;
    advance(rest().size() - inside.size() + (minus ? 3 : 2));
    if (minus)
      skipSpace();
    for (size_t end = at; (end = source.find("{%", end)) != std::string::npos; end += 2) {
      char sign = end + 2 < source.size() ? source[end + 2] : ' ';
      size_t name = end + 2 + (sign == '-' || sign == '+');
      std::string_view after = strip(std::string_view(source).substr(name), Side::Left);
      if (after.substr(0, 6) != "endraw")
        continue;
      addText(stripped(rest().substr(0, end - at), sign, '%'));
      advance(source.size() - at - after.size() + 6);
      skipSpace();
      if (!closes("%}", true))
        refuse("endraw is not closed");
      return true;
    }
    refuse("raw is not closed by endraw");
  }

  void tag(TokenKind begin, TokenKind end, std::string_view closing) {
    add(begin, "");
    std::string open; // brackets that wait for their ends: within them the closing sign is a sign like others
    while (true) {
      if (open.empty() && closes(closing, end == TokenKind::BlockEnd))
        return add(end, "");
      skipSpace();
      if (open.empty() && closes(closing, end == TokenKind::BlockEnd))
        return add(end, "");
      if (at == source.size())
        refuse(fmt::format("a tag is not closed by {}", closing));
      token(open);
    }
  }

  void token(std::string &open) {
    Utf8Scan scan = scanUtf8(rest());
    if (isDigit(source[at]))
      number();
    else if (source[at] == '\'' || source[at] == '"')
      string();
    else if (isNameStart(scan.codePoint))
      name();
    else
      sign(open);
  }

  void name() {
    size_t end = at;
    while (end < source.size()) {
      Utf8Scan scan = scanUtf8(std::string_view(source).substr(end, 4));
      if (!isWordCharacter(scan.codePoint))
        break;
      end += scan.length;
    }
    add(TokenKind::Name, source.substr(at, end - at));
    advance(end - at);
  }

  // Digits with underscores between them; gives the end.
  size_t digitsEnd(size_t from, std::string_view digits) const {
    size_t end = from;
    while (end < source.size()) {
      size_t next = end + (source[end] == '_' && end > from);
      if (next == source.size() || digits.find(lower(source[next])) == std::string_view::npos)
        break;
      end = next + 1;
    }
    return end;
  }

  void number() {
    constexpr std::string_view decimal = "0123456789";
    constexpr std::pair<std::string_view, int> bases[] = {{"0x", 16}, {"0o", 8}, {"0b", 2}};
    for (auto [prefix, base] : bases)
      if (std::string{source[at], at + 1 < source.size() ? lower(source[at + 1]) : ' '} == prefix)
        if (size_t end = digitsEnd(at + 2, std::string_view("0123456789abcdef").substr(0, base)); end > at + 2)
          return integer(at + 2, end, base);
    size_t end = digitsEnd(at, decimal);
    bool afterDot = at > 0 && source[at - 1] == '.'; // items.0.1 are two subscripts
    size_t fraction = end;
    if (!afterDot && end + 1 < source.size() && source[end] == '.' && isDigit(source[end + 1]))
      fraction = digitsEnd(end + 1, decimal);
    size_t exponent = fraction;
    if (!afterDot && fraction < source.size() && lower(source[fraction]) == 'e') {
      size_t first = fraction + 1;
      if (first < source.size() && (source[first] == '+' || source[first] == '-'))
        ++first;
      if (first < source.size() && isDigit(source[first]))
        exponent = digitsEnd(first, decimal);
    }
    if (exponent == end)
      return integer(at, end, 10);
    add(TokenKind::Float, "");
    tokens.back().number = std::strtod(plain(at, exponent).c_str(), nullptr);
    advance(exponent - at);
  }

  std::string plain(size_t from, size_t to) const {
    std::string digits = source.substr(from, to - from);
    digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
    return digits;
  }

  void integer(size_t from, size_t to, int base) {
    errno = 0;
    add(TokenKind::Integer, "");
    tokens.back().integer = std::strtoll(plain(from, to).c_str(), nullptr, base);
    if (errno == ERANGE)
      refuse("a number is beyond 64 bits");
    advance(to - at);
  }

  void string() {
    char quote = source[at];
    size_t end = at + 1;
    while (end < source.size() && source[end] != quote)
      end += source[end] == '\\' ? 2 : 1;
    if (end >= source.size())
      refuse("a string is not closed");
    add(TokenKind::String, unescaped(std::string_view(source).substr(at + 1, end - at - 1)));
    advance(end + 1 - at);
  }

  // The escapes of Python's string literals.
  std::string unescaped(std::string_view text) const {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        out += text[i];
        continue;
      }
      char c = text[++i];
      constexpr std::string_view names = "ntrabfv\\'\"", values = "\n\t\r\a\b\f\v\\'\"";
      if (size_t place = names.find(c); place != std::string_view::npos)
        out += values[place];
      else if (c == 'x' || c == 'u' || c == 'U')
        i += appendCode(out, text.substr(i + 1), c == 'x' ? 2 : c == 'u' ? 4 : 8);
      else if (c >= '0' && c <= '7')
        i += appendOctal(out, text.substr(i)) - 1;
      else if (c == 'N')
        refuse("\\N is not supported in a string; write the character itself");
      else if (c != '\n')
        out += {'\\', c};
    }
    return out;
  }

  size_t appendCode(std::string &out, std::string_view digits, size_t count) const {
    constexpr std::string_view hex = "0123456789abcdef";
    digits = digits.substr(0, count);
    char32_t code = 0;
    for (char c : digits) {
      size_t digit = hex.find(lower(c));
      if (digit == std::string_view::npos)
        refuse("an escape in a string needs hexadecimal digits");
      code = code * 16 + static_cast<char32_t>(digit);
    }
    bool surrogate = code >= 0xD800 && code < 0xE000;
    if (digits.size() < count || code > 0x10FFFF || surrogate)
      refuse("an escape in a string is no character");
    appendUtf8(out, code);
    return count;
  }

  static size_t appendOctal(std::string &out, std::string_view digits) {
    char32_t code = 0;
    size_t count = 0;
    for (; count < std::min<size_t>(3, digits.size()) && digits[count] >= '0' && digits[count] <= '7'; ++count)
      code = code * 8 + static_cast<char32_t>(digits[count] - '0');
    appendUtf8(out, code);
    return count;
  }

  void sign(std::string &open) {
    constexpr std::string_view pairs[] = {"//", "**", "==", "!=", ">=", "<="};
    constexpr std::string_view singles = "+-/*%~[](){}><=.:|,;";
    std::string_view two = rest().substr(0, 2);
    if (std::find(std::begin(pairs), std::end(pairs), two) != std::end(pairs)) {
      add(TokenKind::Sign, std::string(two));
      return advance(2);
    }
    char c = source[at];
    if (singles.find(c) == std::string_view::npos)
      refuse(fmt::format("unexpected character '{}'", firstCharacter(rest())));
    if (c == '(' || c == '[' || c == '{') {
      open += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c)
        refuse(open.empty() ? fmt::format("unexpected '{}'", c)
                            : fmt::format("unexpected '{}', expected '{}'", c, open.back()));
      open.pop_back();
    }
    add(TokenKind::Sign, std::string(1, c));
    advance(1);
  }

  std::string source;
  size_t at = 0;
  int line = 1;
  std::vector<Token> tokens;
};

} // namespace

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

} // namespace quipu::jinja
