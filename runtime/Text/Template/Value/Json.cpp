// json.dumps() of a value, and values of JSON.
#include "runtime/Support/Utf8.h"
#include "runtime/Text/Template/Value/Compare.h"
#include "runtime/Text/Template/Value/Print.h"

#include <cmath>
#include <numeric>

namespace quipu::jinja {

namespace {

void appendEscape(std::string &out, uint32_t unit) { out += fmt::format("\\u{:04x}", unit); }

void appendCharacter(std::string &out, std::string_view character, char32_t c, bool ascii) {
  constexpr std::string_view named = "\"\\\n\r\t\f\b", names = "\"\\nrtfb";
  size_t place = c < 0x80 ? named.find(static_cast<char>(c)) : std::string_view::npos;
  auto unit = static_cast<uint32_t>(c);
  if (place != std::string_view::npos) {
    out += {'\\', names[place]};
  } else if (unit < 0x20 || (ascii && unit >= 0x7F && unit < 0x10000)) {
    appendEscape(out, unit);
  } else if (ascii && unit >= 0x10000) { // two halves of UTF-16
    appendEscape(out, 0xD800 + ((unit - 0x10000) >> 10));
    appendEscape(out, 0xDC00 + ((unit - 0x10000) & 0x3FF));
  } else {
    out += character;
  }
}

class JsonPrinter {
public:
  JsonPrinter(const JsonStyle &style, Budget &budget) : style(style), budget(budget) {}

  void print(const Value &value, unsigned level) {
    DepthGuard guard(budget);
    if (value.is(Kind::String))
      string(value.asString());
    else if (value.is(Kind::List) || value.is(Kind::Tuple))
      list(value.items(), level);
    else if (value.is(Kind::Dict))
      dict(value.asDict(), level);
    else
      append(scalar(value));
  }

  std::string out;

private:
  void append(std::string_view text) { budget.append(out, text); }

  void newLine(unsigned level) {
    if (!style.indent)
      return;
    append("\n");
    for (unsigned i = 0; i < level; ++i)
      append(*style.indent);
  }

  void string(std::string_view text) {
    std::string escaped;
    for (std::string_view rest = text; !rest.empty();) {
      Utf8Scan scan = scanUtf8(rest);
      appendCharacter(escaped, rest.substr(0, scan.length), scan.codePoint, style.ascii);
      rest.remove_prefix(scan.length);
    }
    append("\"" + escaped + "\"");
  }

  void list(const Items &items, unsigned level) {
    if (items.empty())
      return append("[]");
    append("[");
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0)
        append(style.itemSeparator);
      newLine(level + 1);
      print(items[i], level + 1);
    }
    newLine(level);
    append("]");
  }

  void dict(const DictObject &object, unsigned level) {
    if (object.entries.empty())
      return append("{}");
    Items keys;
    for (const auto &entry : object.entries)
      keys.push_back(entry.first);
    std::vector<size_t> order(keys.size());
    if (style.sortKeys)
      order = sortedOrder(keys, /*descending=*/false, budget);
    else
      std::iota(order.begin(), order.end(), size_t(0));
    append("{");
    for (size_t i = 0; i < order.size(); ++i) {
      if (i > 0)
        append(style.itemSeparator);
      newLine(level + 1);
      string(key(keys[order[i]]));
      append(style.keySeparator);
      print(object.entries[order[i]].second, level + 1);
    }
    newLine(level);
    append("}");
  }

  static std::string key(const Value &value) {
    if (value.is(Kind::String))
      return value.asString();
    if (value.is(Kind::Tuple))
      fail("the keys of JSON are strings, numbers or None, not a tuple");
    return scalar(value);
  }

  static std::string scalar(const Value &value) {
    switch (value.kind()) {
    case Kind::None:
      return "null";
    case Kind::Boolean:
      return value.asInteger() ? "true" : "false";
    case Kind::Integer:
      return fmt::format("{}", value.asInteger());
    case Kind::Float: {
      double number = value.asNumber();
      if (std::isfinite(number))
        return floatText(number);
      return std::isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity";
    }
    case Kind::Undefined:
      fail("{}, and JSON has no undefined value", value.missing());
    default:
      fail("object of type {} is not JSON serializable", typeName(value));
    }
  }

  const JsonStyle &style;
  Budget &budget;
};

} // namespace

std::string toJson(const Value &value, const JsonStyle &style, Budget &budget) {
  JsonPrinter printer(style, budget);
  printer.print(value, 0);
  return std::move(printer.out);
}

Value fromJson(const nlohmann::ordered_json &json, Budget &budget) {
  using Type = nlohmann::ordered_json::value_t;
  DepthGuard guard(budget);
  switch (json.type()) {
  case Type::boolean:
    return Value::boolean(json.get<bool>());
  case Type::number_integer:
    return Value::integer(json.get<int64_t>());
  case Type::number_unsigned:
    if (json.get<uint64_t>() > INT64_MAX)
      fail("the number {} is beyond 64 bits", json.get<uint64_t>());
    return Value::integer(json.get<int64_t>());
  case Type::number_float:
    return Value::number(json.get<double>());
  case Type::string: {
    const std::string &text = json.get_ref<const std::string &>();
    if (findInvalidUtf8(text))
      fail("a string is not valid UTF-8");
    budget.make(text.size());
    return Value::string(text);
  }
  case Type::array: {
    Items items;
    for (const auto &item : json)
      items.push_back(fromJson(item, budget));
    return makeSequence(Kind::List, std::move(items), budget);
  }
  case Type::object: {
    auto dict = std::make_shared<DictObject>();
    for (const auto &item : json.items())
      dict->set(Value::string(item.key()), fromJson(item.value(), budget), budget);
    return makeDict(std::move(dict), budget);
  }
  default:
    return Value::none();
  }
}

} // namespace quipu::jinja
