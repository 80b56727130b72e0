// Filters that make a text of any value.
#include "runtime/Text/Template/Function/Filters.h"
#include "runtime/Text/Template/Value/CodePoints.h"
#include "runtime/Text/Template/Value/Format.h"
#include "runtime/Text/Template/Value/Operators.h"
#include "runtime/Text/Template/Value/Print.h"
#include "runtime/Text/Template/Value/TextSplitting.h"

namespace quipu::jinja {

namespace {

// A text made of `input`, which stays safe where that was.
Value textLike(const Value &input, std::string text) {
  return input.isMarkup() ? Value::markup(std::move(text)) : Value::string(std::move(text));
}

template <Casing casing> Value changeCase(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("a filter of case", {});
  std::string text = toText(input, budget);
  return textLike(input, withCase(text, casing));
}

// Words begin after white space, - and opening brackets only.
Value title(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("title", {});
  std::string out;
  bool wordStarts = true;
  for (char32_t c : toCodePoints(toText(input, budget))) {
    std::string character = fromCodePoints(std::u32string_view(&c, 1));
    out += withCase(character, wordStarts ? Casing::Capital : Casing::Lower);
    wordStarts = isPythonSpace(c) || (c < 0x80 && std::string_view("-({[<").find(char(c)) != std::string_view::npos);
  }
  return textLike(input, std::move(out));
}

Value trim(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("trim", {"chars"});
  std::string text = toText(input, budget);
  const Value *characters = arguments.find(0);
  bool all = !characters || characters->is(Kind::None);
  return textLike(input, std::string(strip(text, Side::Both, all ? nullptr : &stringOf(*characters, "trim"))));
}

Value string(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("string", {});
  return input.is(Kind::String) ? input : Value::string(toText(input, budget));
}

Value safe(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("safe", {});
  return Value::markup(toText(input, budget));
}

Value escape(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("escape", {});
  return input.isMarkup() ? input : Value::markup(escapeHtml(toText(input, budget), budget));
}

Value replace(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("replace", {"old", "new", "count"});
  const Value *count = arguments.find(2);
  int64_t most = !count || count->is(Kind::None) ? -1 : integerOf(*count, "replace");
  return Value::string(replaceText(toText(input, budget), toText(arguments.at(0), budget),
                                   toText(arguments.at(1), budget), most, budget));
}

// Lines but the first, and but empty ones, moved to the right.
Value indent(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("indent", {"width", "first", "blank"});
  const Value *width = arguments.find(0);
  std::string space;
  if (width && width->is(Kind::String))
    space = width->asString();
  else
    space = padText("", width ? integerOf(*width, "indent") : 4, " ", Align::Left, budget);
  bool first = arguments.truth(1, false), blank = arguments.truth(2, false);
  std::string text = stringOf(input, "indent") + "\n", out;
  std::vector<std::string_view> lines = splitLines(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0)
      budget.append(out, "\n");
    if (i == 0 ? first : blank || !lines[i].empty())
      budget.append(out, space);
    budget.append(out, lines[i]);
  }
  return textLike(input, std::move(out));
}

Value truncate(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("truncate", {"length", "killwords", "end", "leeway"});
  std::u32string text = toCodePoints(stringOf(input, "truncate")), end = toCodePoints(arguments.text(2, "..."));
  int64_t length = arguments.integer(0, 255), leeway = arguments.integer(3, 5);
  if (length < static_cast<int64_t>(end.size()) || leeway < 0)
    fail("truncate: a length of {} with a leeway of {} cannot be", length, leeway);
  if (static_cast<int64_t>(text.size()) - leeway <= length)
    return input;
  std::u32string kept = text.substr(0, static_cast<size_t>(length) - end.size());
  if (!arguments.truth(1, false))
    kept = kept.substr(0, kept.rfind(U' '));
  budget.make(4 * kept.size());
  return Value::string(fromCodePoints(kept + end));
}

Value center(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("center", {"width"});
  return Value::string(padText(toText(input, budget), arguments.integer(0, 80), " ", Align::Center, budget));
}

Value format(const Value &input, Arguments &arguments, Budget &budget) {
  if (!arguments.positional.empty() && !arguments.named.empty())
    fail("format takes values by place or by name, not both");
  if (arguments.named.empty())
    return Value::string(
        formatPercent(toText(input, budget), makeSequence(Kind::Tuple, arguments.positional, budget), budget));
  auto named = std::make_shared<DictObject>();
  for (const auto &[name, value] : arguments.named)
    named->set(Value::string(name), value, budget);
  return Value::string(formatPercent(toText(input, budget), makeDict(std::move(named), budget), budget));
}

Value wordcount(const Value &input, Arguments &arguments, Budget &budget) {
  arguments.bind("wordcount", {});
  std::string text = toText(input, budget);
  return Value::integer(static_cast<int64_t>(splitText(text, nullptr, -1).size()));
}

} // namespace

Filter findTextFilter(std::string_view name) {
  static const std::unordered_map<std::string_view, Filter> all = {{"capitalize", changeCase<Casing::Capital>},
                                                                   {"center", center},
                                                                   {"e", escape},
                                                                   {"escape", escape},
                                                                   {"format", format},
                                                                   {"indent", indent},
                                                                   {"lower", changeCase<Casing::Lower>},
                                                                   {"replace", replace},
                                                                   {"safe", safe},
                                                                   {"string", string},
                                                                   {"title", title},
                                                                   {"trim", trim},
                                                                   {"truncate", truncate},
                                                                   {"upper", changeCase<Casing::Upper>},
                                                                   {"wordcount", wordcount}};
  auto found = all.find(name);
  return found == all.end() ? nullptr : found->second;
}

} // namespace quipu::jinja
