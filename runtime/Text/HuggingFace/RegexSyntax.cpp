#include "runtime/Text/HuggingFace/RegexSyntax.h"

#include <algorithm>
#include <array>

namespace quipu {

namespace {

// Where the two differ, the members of the class are spelled out. White space: PCRE2's \s has U+180E besides the
// Unicode property White_Space, Oniguruma's has not. Word: PCRE2 10.42's \w lacks marks and connectors. And
// PCRE2's [:punct:] has the symbols of Latin-1.
constexpr std::string_view kSpace =
    R"(\x09-\x0D\x20\x85\xA0\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
constexpr std::string_view kNotSpace =
    R"(\x00-\x08\x0E-\x1F\x21-\x84\x86-\x9F\xA1-\x{167F}\x{1681}-\x{1FFF}\x{200B}-\x{2027}\x{202A}-\x{202E})"
    R"(\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{10FFFF})";
constexpr std::string_view kWord = R"(\p{L}\p{M}\p{N}\p{Pc})";
constexpr std::pair<std::string_view, std::string_view> kPosixClasses[] = {{"[:alnum:]", R"(\p{Alphabetic}\p{Nd})"},
                                                                           {"[:alpha:]", R"(\p{Alphabetic})"},
                                                                           {"[:digit:]", R"(\p{Nd})"},
                                                                           {"[:lower:]", R"(\p{Lowercase})"},
                                                                           {"[:punct:]", R"(\p{P}$+<=>\^`|~)"},
                                                                           {"[:space:]", kSpace},
                                                                           {"[:upper:]", R"(\p{Uppercase})"},
                                                                           {"[:word:]", kWord}};

// Oniguruma's \p{Han} is the property Script, PCRE2's is Script_Extensions.
constexpr std::array<std::string_view, 16> kScripts = {
    "Arabic", "Armenian", "Bengali",  "Cyrillic", "Devanagari", "Greek", "Han",   "Hangul",
    "Hebrew", "Hiragana", "Katakana", "Khmer",    "Lao",        "Latin", "Tamil", "Thai"};

class Translator {
public:
  explicit Translator(std::string_view pattern) : in(pattern) {}

  Expected<std::string> run() {
    while (at < in.size() && error.empty())
      inClass ? classMember() : outsideClass();
    if (!error.empty())
      return makeError("regular expression '{}': {}", in, error);
    return out;
  }

private:
  bool next(std::string_view what) const { return in.substr(at, what.size()) == what; }

  void copy(size_t count) {
    out.append(in.substr(at, count));
    at += count;
  }

  void replace(size_t count, std::string_view text) {
    at += count;
    out.append(text);
  }

  void refuse(std::string_view construct) { error = fmt::format("'{}' is not supported", construct); }

  void outsideClass() {
    char c = in[at];
    if (c == '\\')
      return escape();
    if (c == '(')
      return group();
    if (c == '{')
      return interval();
    if (c == '[') {
      classBegin = out.size();
      return openClass();
    }
    copy(1);
  }

  void openClass() {
    inClass = true;
    negated = next("[^");
    copy(negated ? 2 : 1);
    if (next("]")) // a bracket that comes first is a member
      replace(1, "\\]");
  }

  void group() {
    if (next("(*") || next("(?~") || next("(?#"))
      return refuse(in.substr(at, 3));
    copy(1);
    if (!next("?"))
      return;
    copy(1);
    // Flags: only i means the same in both.
    while (at < in.size() && (in[at] == 'i' || in[at] == '-'))
      copy(1);
    if (at < in.size() && std::string_view(":=!>)<").find(in[at]) == std::string_view::npos)
      refuse(fmt::format("(?{}", in[at]));
  }

  // {n,m}+ is possessive in PCRE2 and a repeated repeat in Oniguruma; {n}? is lazy in one and optional in the other.
  void interval() {
    size_t end = in.find('}', at);
    std::string_view body = in.substr(at + 1, end == std::string_view::npos ? end : end - at - 1);
    bool isInterval = end != std::string_view::npos && !body.empty() &&
                      body.find_first_not_of("0123456789,") == std::string_view::npos && body != ",";
    if (!isInterval)
      return replace(1, "\\{");
    out.append(body[0] == ',' ? "{0" : "{").append(body).append("}");
    at = end + 1;
    if (next("+") || (next("?") && body.find(',') == std::string_view::npos))
      refuse(fmt::format("{{{}}}{}", body, in[at]));
  }

  void classMember() {
    char c = in[at];
    if (c == '\\')
      return escape();
    if (next("&&"))
      return intersection();
    if (c == '[') {
      for (const auto &[name, members] : kPosixClasses)
        if (next(name))
          return replace(name.size(), members);
      if (next("[:") || next("[^"))
        return refuse(next("[:") ? in.substr(at, in.find(']', at) + 1 - at) : "[^ inside a class");
      ++nested; // a class inside a class adds its members
      return replace(1, "");
    }
    if (c != ']')
      return copy(1);
    if (nested > 0) {
      --nested;
      return replace(1, "");
    }
    copy(1);
    closeClass();
  }

  void closeClass() {
    inClass = false;
    if (!intersected)
      return;
    if (wrapped && !next("]"))
      return refuse("&& with more than a class behind it");
    if (wrapped)
      ++at;
    out.append(")");
    intersected = wrapped = false;
  }

  // [a&&b] and [a&&[b]]: a character that is in both classes; PCRE2 has it as a look ahead.
  void intersection() {
    if (nested > 0 || negated || intersected)
      return refuse("&&");
    at += 2;
    out.insert(classBegin, "(?:(?=");
    out.append("])");
    intersected = true;
    wrapped = next("[") && !next("[:");
    if (wrapped)
      return openClass();
    out.append("[");
  }

  void escape() {
    if (at + 1 >= in.size())
      return refuse("\\ at the end");
    char c = in[at + 1];
    auto members = [&](std::string_view list, bool negated) {
      replace(2, inClass ? std::string(list) : fmt::format("[{}{}]", negated ? "^" : "", list));
    };
    switch (c) {
    case 's':
      return members(kSpace, false);
    case 'S':
      return inClass ? members(kNotSpace, false) : members(kSpace, true);
    case 'w':
      return members(kWord, false);
    case 'h':
      return members("0-9a-fA-F", false);
    case 'v':
      return replace(2, "\\x0B");
    case 'p':
    case 'P':
      return property();
    case 'u':
      return codePoint();
    case 'W':
      if (!inClass)
        return members(kWord, true);
      return refuse("\\W inside a class");
    case 'b':
      if (!inClass)
        return replace(2, fmt::format("(?:(?<=[{0}])(?![{0}])|(?<![{0}])(?=[{0}]))", kWord));
      return refuse("\\b inside a class");
    }
    if (std::string_view("ntrfaexdDAzZ0").find(c) == std::string_view::npos &&
        std::isalnum(static_cast<unsigned char>(c)))
      return refuse(in.substr(at, 2));
    copy(2);
  }

  void property() {
    size_t end = in.find('}', at);
    if (at + 2 >= in.size() || in[at + 2] != '{' || end == std::string_view::npos)
      return refuse("\\p without {}");
    std::string_view name = in.substr(at + 3, end - at - 3);
    bool negated = !name.empty() && name[0] == '^';
    if (negated)
      name.remove_prefix(1);
    bool script = std::find(kScripts.begin(), kScripts.end(), name) != kScripts.end();
    out.append(in.substr(at, 2)).append(negated ? "{^" : "{").append(script ? "sc:" : "").append(name).append("}");
    at = end + 1;
  }

  void codePoint() {
    std::string_view digits = in.substr(at + 2, 4);
    if (digits.size() < 4 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos)
      return refuse("\\u without four digits");
    replace(6, fmt::format("\\x{{{}}}", digits));
  }

  std::string_view in;
  std::string out, error;
  size_t at = 0;
  bool inClass = false;
  size_t classBegin = 0;    // of the outermost class, in `out`
  unsigned nested = 0;      // classes open inside of it
  bool negated = false;     // the class being read begins with ^
  bool intersected = false; // it is the right side of &&
  bool wrapped = false;     // in brackets of its own
};

} // namespace

Expected<std::string> translateOniguruma(std::string_view pattern) { return Translator(pattern).run(); }

} // namespace quipu
