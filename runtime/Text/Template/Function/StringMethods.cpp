#include "runtime/Text/Template/Function/Methods.h"
#include "runtime/Text/Template/Value/CodePoints.h"
#include "runtime/Text/Template/Value/Format.h"
#include "runtime/Text/Template/Value/TextSplitting.h"
#include "runtime/Text/UnicodeClasses.h"

#include <algorithm>

namespace quipu::jinja {

namespace {

Value made(std::string text, Budget &budget) {
  budget.make(text.size());
  return Value::string(std::move(text));
}

Value made(std::string_view text, Budget &budget) { return made(std::string(text), budget); }

Value made(const std::vector<std::string_view> &pieces, Kind kind, Budget &budget) {
  budget.makeItems(pieces.size());
  Items items;
  for (std::string_view piece : pieces)
    items.push_back(made(piece, budget));
  return makeSequence(kind, std::move(items), budget);
}

template <Casing casing> Value changeCase(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("a string's method", {});
  return made(withCase(self.asString(), casing), budget);
}

template <Side side> Value stripped(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("strip", {"chars"});
  const Value *characters = arguments.find(0);
  bool all = !characters || characters->is(Kind::None);
  return made(strip(self.asString(), side, all ? nullptr : &stringOf(*characters, "strip")), budget);
}

template <bool fromEnd> Value split(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("split", {"sep", "maxsplit"});
  const Value *given = arguments.find(0);
  const std::string *separator = !given || given->is(Kind::None) ? nullptr : &stringOf(*given, "split");
  int64_t most = arguments.integer(1, -1);
  budget.read(self.asString().size());
  return made(fromEnd ? splitTextFromEnd(self.asString(), separator, most)
                      : splitText(self.asString(), separator, most),
              Kind::List, budget);
}

Value splitlines(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("splitlines", {"keepends"});
  if (arguments.truth(0, false))
    fail("splitlines: keepends is not supported");
  return made(splitLines(self.asString()), Kind::List, budget);
}

template <bool fromEnd> Value partition(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("partition", {"sep"});
  const std::string &separator = stringOf(arguments.at(0), "partition");
  std::string_view text = self.asString();
  if (separator.empty())
    fail("partition: the separator is empty");
  size_t found = fromEnd ? text.rfind(separator) : text.find(separator);
  if (found == std::string_view::npos)
    return fromEnd ? made({"", "", text}, Kind::Tuple, budget) : made({text, "", ""}, Kind::Tuple, budget);
  return made({text.substr(0, found), separator, text.substr(found + separator.size())}, Kind::Tuple, budget);
}

// text[start:end] by characters, and how many characters lie before it.
std::string_view within(const Value &self, const Arguments &arguments, size_t &offset) {
  auto length = static_cast<int64_t>(lengthOf(self));
  auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + length : at, 0, length); };
  auto given = [&](size_t place) { return arguments.find(place) && !arguments.find(place)->is(Kind::None); };
  int64_t start = given(1) ? clamp(arguments.integer(1, 0)) : 0;
  int64_t end = given(2) ? clamp(arguments.integer(2, 0)) : length;
  offset = static_cast<size_t>(start);
  std::string_view text = self.asString();
  auto bytesOf = [&](int64_t characters) {
    if (self.text().ascii)
      return static_cast<size_t>(characters);
    size_t at = 0;
    for (; characters > 0; --characters)
      at += firstCharacter(text.substr(at)).size();
    return at;
  };
  size_t begin = bytesOf(start);
  return end <= start ? std::string_view() : text.substr(begin, bytesOf(end) - begin);
}

template <bool fromEnd, bool mustBe> Value find(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("find", {"sub", "start", "end"});
  const std::string &wanted = stringOf(arguments.at(0), "find");
  size_t offset = 0;
  std::string_view text = within(self, arguments, offset);
  budget.read(text.size());
  size_t found = fromEnd ? text.rfind(wanted) : text.find(wanted);
  if (found == std::string_view::npos) {
    if (mustBe)
      fail("index: the text is not found");
    return Value::integer(-1);
  }
  return Value::integer(static_cast<int64_t>(offset + countCodePoints(text.substr(0, found))));
}

Value count(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("count", {"sub", "start", "end"});
  const std::string &wanted = stringOf(arguments.at(0), "count");
  size_t offset = 0;
  std::string_view text = within(self, arguments, offset);
  budget.read(text.size());
  if (wanted.empty())
    return Value::integer(static_cast<int64_t>(countCodePoints(text)) + 1);
  int64_t found = 0;
  for (size_t at = 0; (at = text.find(wanted, at)) != std::string_view::npos; at += wanted.size())
    ++found;
  return Value::integer(found);
}

template <bool atEnd> Value affixed(const Value &self, Arguments &arguments, Budget &) {
  arguments.bind(atEnd ? "endswith" : "startswith", {"affix", "start", "end"});
  size_t offset = 0;
  std::string_view text = within(self, arguments, offset);
  auto matches = [&](const Value &affix) {
    const std::string &wanted = stringOf(affix, atEnd ? "endswith" : "startswith");
    return text.size() >= wanted.size() &&
           text.substr(atEnd ? text.size() - wanted.size() : 0, wanted.size()) == wanted;
  };
  const Value &affix = arguments.at(0);
  if (!affix.is(Kind::Tuple))
    return Value::boolean(matches(affix));
  return Value::boolean(std::any_of(affix.items().begin(), affix.items().end(), matches));
}

template <bool atEnd> Value withoutAffix(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("removeprefix", {"affix"});
  const std::string &affix = stringOf(arguments.at(0), "removeprefix");
  std::string_view text = self.asString();
  size_t rest = text.size() < affix.size() ? 0 : text.size() - affix.size();
  if (text.size() < affix.size() || text.substr(atEnd ? rest : 0, affix.size()) != affix)
    return self;
  return made(text.substr(atEnd ? 0 : affix.size(), rest), budget);
}

Value replace(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("replace", {"old", "new", "count"});
  return Value::string(replaceText(self.asString(), stringOf(arguments.at(0), "replace"),
                                   stringOf(arguments.at(1), "replace"), arguments.integer(2, -1), budget));
}

Value join(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("join", {"items"});
  std::string out;
  Items items = iterate(arguments.at(0), budget);
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is(Kind::String))
      fail("join: item {} is '{}', not a string", i, typeName(items[i]));
    if (i > 0)
      budget.append(out, self.asString());
    budget.append(out, items[i].asString());
  }
  return Value::string(std::move(out));
}

template <Align align> Value pad(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("a string's method", {"width", "fillchar"});
  std::string fill = arguments.text(1, " ");
  if (countCodePoints(std::string_view(fill)) != 1)
    fail("the character to fill with must be one");
  return Value::string(padText(self.asString(), integerOf(arguments.at(0), "width"), fill, align, budget));
}

Value zfill(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("zfill", {"width"});
  std::string_view text = self.asString();
  bool sign = !text.empty() && (text[0] == '+' || text[0] == '-');
  int64_t width = integerOf(arguments.at(0), "zfill");
  std::string digits = padText(text.substr(sign ? 1 : 0), width - (sign ? 1 : 0), "0", Align::Right, budget);
  return Value::string(sign ? text[0] + digits : digits);
}

Value format(const Value &self, Arguments &arguments, Budget &budget) {
  return Value::string(formatBraces(self.asString(), arguments, budget));
}

bool isLetter(char32_t c) { return isWordCharacter(c) && !isNumeric(c) && c != '_'; }
bool isAlphanumeric(char32_t c) { return isLetter(c) || isNumeric(c); }
bool isBelow128(char32_t c) { return c < 0x80; }

// Whether all characters are so; false for an empty text, but for isascii and isprintable.
template <bool (*test)(char32_t), bool ofEmpty> Value all(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("a string's method", {});
  budget.read(self.asString().size());
  std::u32string text = toCodePoints(self.asString());
  return Value::boolean(text.empty() ? ofEmpty : std::all_of(text.begin(), text.end(), test));
}

template <CaseTest test> Value cased(const Value &self, Arguments &arguments, Budget &budget) {
  arguments.bind("a string's method", {});
  budget.read(self.asString().size());
  return Value::boolean(hasCase(self.asString(), test));
}

} // namespace

Method findStringMethod(std::string_view name) {
  static const std::unordered_map<std::string_view, Method> methods = {{"capitalize", changeCase<Casing::Capital>},
                                                                       {"casefold", changeCase<Casing::Lower>},
                                                                       {"center", pad<Align::Center>},
                                                                       {"count", count},
                                                                       {"endswith", affixed<true>},
                                                                       {"find", find<false, false>},
                                                                       {"format", format},
                                                                       {"index", find<false, true>},
                                                                       {"isalnum", all<isAlphanumeric, false>},
                                                                       {"isalpha", all<isLetter, false>},
                                                                       {"isascii", all<isBelow128, true>},
                                                                       {"isdecimal", all<isNumeric, false>},
                                                                       {"isdigit", all<isNumeric, false>},
                                                                       {"islower", cased<CaseTest::Lower>},
                                                                       {"isnumeric", all<isNumeric, false>},
                                                                       {"isprintable", all<isPrintable, true>},
                                                                       {"isspace", all<isPythonSpace, false>},
                                                                       {"isupper", cased<CaseTest::Upper>},
                                                                       {"join", join},
                                                                       {"ljust", pad<Align::Left>},
                                                                       {"lower", changeCase<Casing::Lower>},
                                                                       {"lstrip", stripped<Side::Left>},
                                                                       {"partition", partition<false>},
                                                                       {"removeprefix", withoutAffix<false>},
                                                                       {"removesuffix", withoutAffix<true>},
                                                                       {"replace", replace},
                                                                       {"rfind", find<true, false>},
                                                                       {"rindex", find<true, true>},
                                                                       {"rjust", pad<Align::Right>},
                                                                       {"rpartition", partition<true>},
                                                                       {"rsplit", split<true>},
                                                                       {"rstrip", stripped<Side::Right>},
                                                                       {"split", split<false>},
                                                                       {"splitlines", splitlines},
                                                                       {"startswith", affixed<false>},
                                                                       {"strip", stripped<Side::Both>},
                                                                       {"swapcase", changeCase<Casing::Swapped>},
                                                                       {"title", changeCase<Casing::Title>},
                                                                       {"upper", changeCase<Casing::Upper>},
                                                                       {"zfill", zfill}};
  auto found = methods.find(name);
  return found == methods.end() ? nullptr : found->second;
}

} // namespace quipu::jinja
