#include "runtime/Text/Template/Value/Format.h"

#include "runtime/Text/Template/Value/CodePoints.h"
#include "runtime/Text/Template/Value/Operators.h"
#include "runtime/Text/Template/Value/Print.h"
#include "runtime/Text/Template/Value/TextSplitting.h"

#include <algorithm>
#include <cctype>

namespace quipu::jinja {

namespace {

// One field's form, of either kind of pattern.
struct Spec {
  std::string fill = " ";
  char align = 0; // '<', '>', '^', '='; 0: by the type
  char sign = '-';
  bool alternate = false, grouped = false;
  int64_t width = 0;
  int precision = -1;
  char type = 0;
};

constexpr int64_t widest = 1 << 20;
constexpr int mostDigits = 100;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

class SpecReader {
public:
  explicit SpecReader(std::string_view text) : text(text) {}

  bool take(std::string_view any, char &out) {
    if (at == text.size() || any.find(text[at]) == std::string_view::npos)
      return false;
    out = text[at++];
    return true;
  }

  int64_t number(int64_t fallback) {
    if (at == text.size() || !isDigit(text[at]))
      return fallback;
    int64_t value = 0;
    for (; at < text.size() && isDigit(text[at]); ++at)
      value = std::min(value * 10 + (text[at] - '0'), widest + 1);
    if (value > widest)
      fail("a format's width is more than {}", widest);
    return value;
  }

  void precision(Spec &spec) {
    char point;
    if (take(".", point))
      spec.precision = static_cast<int>(std::min<int64_t>(number(0), widest));
  }

  std::string_view rest() const { return text.substr(at); }
  bool atEnd() const { return at == text.size(); }

  std::string_view text;
  size_t at = 0;
};

// [[fill]align][sign][#][0][width][,][.precision][type]
Spec readSpec(std::string_view text) {
  Spec spec;
  SpecReader reader(text);
  std::string_view first = text.empty() ? text : firstCharacter(text);
  constexpr std::string_view aligns = "<>^=";
  if (text.size() > first.size() && aligns.find(text[first.size()]) != std::string_view::npos) {
    spec.fill = first;
    spec.align = text[first.size()];
    reader.at = first.size() + 1;
  } else {
    reader.take(aligns, spec.align);
  }
  char flag;
  reader.take("+- ", spec.sign);
  spec.alternate = reader.take("#", flag);
  if (reader.take("0", flag) && !spec.align) {
    spec.align = '=';
    spec.fill = "0";
  }
  spec.width = reader.number(0);
  spec.grouped = reader.take(",", flag);
  reader.precision(spec);
  reader.take("sdifFeEgGxXobc%", spec.type);
  if (!reader.atEnd())
    fail("the format '{}' is not supported", text);
  return spec;
}

std::string grouped(const std::string &digits) {
  size_t whole = std::min(digits.find('.'), digits.size());
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && i < whole && (whole - i) % 3 == 0)
      out += ',';
    out += digits[i];
  }
  return out;
}

std::string floatDigits(const Spec &spec, double value) {
  int precision = std::min(spec.precision < 0 ? 6 : spec.precision, mostDigits);
  switch (spec.type) {
  case 'f':
  case 'F':
    return fmt::format("{:.{}f}", value, precision);
  case 'e':
    return fmt::format("{:.{}e}", value, precision);
  case 'E':
    return fmt::format("{:.{}E}", value, precision);
  case '%':
    return fmt::format("{:.{}f}%", 100 * value, precision);
  case 'g':
  case 'G':
    return fmt::format("{:.{}g}", value, std::max(precision, 1));
  default:
    return spec.precision < 0 ? floatText(value) : fmt::format("{:.{}g}", value, std::max(precision, 1));
  }
}

// Without its sign, which `negative` says.
std::string integerDigits(const Spec &spec, uint64_t value) {
  switch (spec.type) {
  case 'x':
    return fmt::format("{}{:x}", spec.alternate ? "0x" : "", value);
  case 'X':
    return fmt::format("{}{:X}", spec.alternate ? "0X" : "", value);
  case 'o':
    return fmt::format("{}{:o}", spec.alternate ? "0o" : "", value);
  case 'b':
    return fmt::format("{}{:b}", spec.alternate ? "0b" : "", value);
  default:
    return fmt::format("{}", value);
  }
}

std::string layOut(const Spec &spec, const std::string &sign, const std::string &body, char defaultAlign,
                   Budget &budget) {
  char align = spec.align ? spec.align : defaultAlign;
  if (align == '=')
    return sign + padText(body, spec.width - static_cast<int64_t>(sign.size()), spec.fill, Align::Right, budget);
  Align side = align == '<' ? Align::Left : align == '>' ? Align::Right : Align::CenterRight;
  return padText(sign + body, spec.width, spec.fill, side, budget);
}

std::string formatNumber(const Spec &spec, const Value &value, Budget &budget) {
  bool whole = value.isIntegral() && (!spec.type || std::string_view("dixXob").find(spec.type) != std::string::npos);
  bool negative = whole ? value.asInteger() < 0 : value.asNumber() < 0;
  std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  std::string digits;
  if (whole) {
    auto size = static_cast<uint64_t>(value.asInteger());
    digits = integerDigits(spec, negative ? 0 - size : size);
  } else {
    digits = floatDigits(spec, negative ? -value.asNumber() : value.asNumber());
  }
  return layOut(spec, sign, spec.grouped ? grouped(digits) : digits, '>', budget);
}

std::string formatString(const Spec &spec, std::string text, Budget &budget) {
  if (spec.precision >= 0) {
    std::u32string characters = toCodePoints(text);
    text = fromCodePoints(std::u32string_view(characters).substr(0, static_cast<size_t>(spec.precision)));
  }
  return layOut(spec, "", text, '<', budget);
}

std::string formatValue(const Spec &spec, const Value &value, Budget &budget) {
  if (value.isNumber() && spec.type != 's')
    return formatNumber(spec, value, budget);
  if (spec.type && spec.type != 's')
    fail("the format '{}' needs a number, got '{}'", spec.type, typeName(value));
  return formatString(spec, toText(value, budget), budget);
}

class PercentFormatter {
public:
  PercentFormatter(std::string_view pattern, const Value &values, Budget &budget)
      : reader(pattern), values(values), budget(budget) {}

  std::string run() {
    std::string out;
    while (!reader.atEnd()) {
      size_t percent = std::min(reader.rest().find('%'), reader.rest().size());
      budget.append(out, reader.rest().substr(0, percent));
      reader.at += percent;
      if (!reader.atEnd()) {
        ++reader.at;
        budget.append(out, field());
      }
    }
    if (values.is(Kind::Tuple) && next < values.items().size())
      fail("not all values were used by the format");
    if (!values.is(Kind::Tuple) && !values.is(Kind::Dict) && next == 0)
      fail("not all values were used by the format");
    return out;
  }

private:
  std::string field() {
    std::optional<Value> named;
    char c;
    if (reader.take("(", c)) {
      size_t end = reader.rest().find(')');
      if (end == std::string_view::npos || !values.is(Kind::Dict))
        fail("%(name) needs a mapping");
      named = subscript(values, Value::string(std::string(reader.rest().substr(0, end))), budget);
      if (named->is(Kind::Undefined))
        fail("{}", named->missing());
      reader.at += end + 1;
    }
    Spec spec;
    bool zeros = false;
    while (reader.take("-+ #0", c)) {
      if (c == '-')
        spec.align = '<';
      else if (c == '0')
        zeros = true;
      else if (c == '#')
        spec.alternate = true;
      else
        spec.sign = c;
    }
    spec.width = reader.number(0);
    reader.precision(spec);
    if (reader.take("%", c))
      return "%";
    if (!reader.take("sraduifFeEgGxXo", spec.type))
      fail("the format '%{}' is not supported", reader.rest().substr(0, 1));
    return convert(spec, zeros, named ? *named : take());
  }

  const Value &take() {
    if (values.is(Kind::Tuple)) {
      if (next == values.items().size())
        fail("the format needs more values");
      return values.items()[next++];
    }
    if (next++ > 0)
      fail("the format needs more values");
    return values;
  }

  std::string convert(Spec spec, bool zeros, const Value &value) {
    if (spec.type == 's' || spec.type == 'r' || spec.type == 'a') {
      std::string text = spec.type == 's' ? toText(value, budget) : toRepr(value, budget);
      if (!spec.align)
        spec.align = '>';
      return formatString(spec, std::move(text), budget);
    }
    if (!value.isNumber())
      fail("%{} needs a number, got '{}'", spec.type, typeName(value));
    if (zeros && !spec.align) {
      spec.align = '=';
      spec.fill = "0";
    }
    if (spec.type == 'u' || spec.type == 'i')
      spec.type = 'd';
    if (spec.type == 'd' && value.is(Kind::Float))
      return formatNumber(spec, Value::integer(static_cast<int64_t>(std::clamp(value.asNumber(), -9e18, 9e18))),
                          budget);
    return formatNumber(spec, value, budget);
  }

  SpecReader reader;
  const Value &values;
  Budget &budget;
  size_t next = 0;
};

class BraceFormatter {
public:
  BraceFormatter(const Arguments &arguments, Budget &budget) : arguments(arguments), budget(budget) {}

  std::string run(std::string_view pattern) {
    std::string out;
    while (!pattern.empty()) {
      size_t brace = std::min(pattern.find_first_of("{}"), pattern.size());
      budget.append(out, pattern.substr(0, brace));
      pattern.remove_prefix(brace);
      if (pattern.size() >= 2 && pattern[0] == pattern[1]) {
        out += pattern[0];
        pattern.remove_prefix(2);
      } else if (!pattern.empty()) {
        size_t end = endOfField(pattern);
        budget.append(out, field(pattern.substr(1, end - 1)));
        pattern.remove_prefix(end + 1);
      }
    }
    return out;
  }

private:
  static size_t endOfField(std::string_view pattern) {
    if (pattern[0] == '}')
      fail("format: single '}}' in the pattern");
    size_t depth = 0;
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == '{')
        ++depth;
      if (pattern[i] == '}')
        --depth;
      if (depth == 0)
        return i;
    }
    fail("format: '{{' is not closed");
  }

  std::string field(std::string_view text) {
    size_t colon = std::min(text.find(':'), text.size());
    std::string_view name = text.substr(0, colon);
    std::string spec(text.substr(std::min(colon + 1, text.size())));
    if (spec.find('{') != std::string::npos)
      fail("format: fields within the format of a field are not supported");
    size_t mark = std::min(name.find('!'), name.size());
    std::string_view conversion = name.substr(mark);
    Value value = lookUp(name.substr(0, mark));
    if (conversion == "!r" || conversion == "!s")
      value = Value::string(conversion == "!r" ? toRepr(value, budget) : toText(value, budget));
    else if (!conversion.empty())
      fail("format: the conversion '{}' is not supported", conversion);
    return spec.empty() ? toText(value, budget) : formatValue(readSpec(spec), value, budget);
  }

  Value lookUp(std::string_view path) {
    size_t length = std::min(path.find_first_of(".["), path.size());
    Value value = argument(path.substr(0, length));
    path.remove_prefix(length);
    while (!path.empty()) {
      bool dot = path[0] == '.';
      path.remove_prefix(1);
      length = std::min(path.find_first_of(dot ? ".[" : "]"), path.size());
      std::string part(path.substr(0, length));
      bool number = !part.empty() && part.size() < 10 && std::all_of(part.begin(), part.end(), isDigit);
      value = dot ? attribute(value, part, budget)
                  : subscript(value, number ? Value::integer(std::stoll(part)) : Value::string(part), budget);
      path.remove_prefix(std::min(length + (dot ? 0 : 1), path.size()));
    }
    if (value.is(Kind::Undefined))
      fail("{}", value.missing());
    return value;
  }

  Value argument(std::string_view name) {
    bool number = !name.empty() && name.size() < 10 && std::all_of(name.begin(), name.end(), isDigit);
    if (name.empty() || number) {
      size_t place = number ? std::stoull(std::string(name)) : next++;
      if (place >= arguments.positional.size())
        fail("format: there is no argument {}", place);
      return arguments.positional[place];
    }
    for (const auto &argument : arguments.named)
      if (argument.first == name)
        return argument.second;
    fail("format: there is no argument '{}'", name);
  }

  const Arguments &arguments;
  Budget &budget;
  size_t next = 0;
};

} // namespace

std::string formatPercent(std::string_view pattern, const Value &values, Budget &budget) {
  return PercentFormatter(pattern, values, budget).run();
}

std::string formatBraces(std::string_view pattern, const Arguments &arguments, Budget &budget) {
  return BraceFormatter(arguments, budget).run(pattern);
}

} // namespace quipu::jinja
