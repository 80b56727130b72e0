#include "runtime/Text/Template/Value/Print.h"

#include "runtime/Support/Utf8.h"
#include "runtime/Text/Template/Value/CodePoints.h"

#include <cmath>

namespace quipu::jinja {

namespace {

std::string pythonQuoted(std::string_view text) {
  bool hasSingle = text.find('\'') != std::string_view::npos, hasDouble = text.find('"') != std::string_view::npos;
  char quote = hasSingle && !hasDouble ? '"' : '\'';
  std::string out(1, quote);
  while (!text.empty()) {
    Utf8Scan scan = scanUtf8(text);
    auto c = static_cast<uint32_t>(scan.codePoint);
    if (c == static_cast<uint32_t>(quote) || c == '\\')
      out += {'\\', static_cast<char>(c)};
    else if (c == '\n' || c == '\r' || c == '\t')
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    else if (isPrintable(scan.codePoint))
      out += text.substr(0, scan.length);
    else
      out += c < 0x100     ? fmt::format("\\x{:02x}", c)
             : c < 0x10000 ? fmt::format("\\u{:04x}", c)
                           : fmt::format("\\U{:08x}", c);
    text.remove_prefix(scan.length);
  }
  return out += quote;
}

class Printer {
public:
  explicit Printer(Budget &budget) : budget(budget) {}

  void repr(const Value &value) {
    DepthGuard guard(budget);
    if (value.is(Kind::String)) {
      std::string text = pythonQuoted(value.asString());
      append(value.isMarkup() ? "Markup(" + text + ")" : text);
    } else if (value.isSequence()) {
      sequence(value);
    } else if (value.is(Kind::Dict)) {
      dict(value.asDict());
    } else if (value.is(Kind::Namespace)) {
      nameSpace(value.asNamespace());
    } else {
      append(scalar(value));
    }
  }

  std::string out;

private:
  void append(std::string_view text) { budget.append(out, text); }

  void items(const Items &items) {
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0)
        append(", ");
      repr(items[i]);
    }
  }

  void sequence(const Value &value) {
    const SequenceObject &object = value.asSequence();
    if (value.is(Kind::Range) || value.is(Kind::Generator))
      return append(value.is(Kind::Range) ? object.label : "<generator object>");
    bool tuple = value.is(Kind::Tuple), view = value.is(Kind::View);
    append(view ? object.label + "([" : tuple ? "(" : "[");
    items(object.items);
    append(view ? "])" : !tuple ? "]" : object.items.size() == 1 ? ",)" : ")");
  }

  void dict(const DictObject &object) {
    append("{");
    const char *separator = "";
    for (const auto &[key, value] : object.entries) {
      append(separator);
      repr(key);
      append(": ");
      repr(value);
      separator = ", ";
    }
    append("}");
  }

  void nameSpace(const NamespaceObject &object) {
    append("<Namespace {");
    const char *separator = "";
    for (const auto &[key, value] : object.attributes) {
      append(separator + pythonQuoted(key) + ": ");
      repr(value);
      separator = ", ";
    }
    append("}>");
  }

  static std::string scalar(const Value &value) {
    switch (value.kind()) {
    case Kind::None:
      return "None";
    case Kind::Boolean:
      return value.asInteger() ? "True" : "False";
    case Kind::Integer:
      return fmt::format("{}", value.asInteger());
    case Kind::Float:
      return floatText(value.asNumber());
    case Kind::Callable:
      return fmt::format("<function {}>", value.asCallable().name);
    case Kind::Loop:
      return fmt::format("<LoopContext {}/{}>", value.asLoop().index + 1, value.asLoop().items.size());
    default:
      return "Undefined";
    }
  }

  Budget &budget;
};

} // namespace

std::string floatText(double value) {
  if (std::isnan(value) || std::isinf(value))
    return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", value); // with an exponent from 1e16 on and below 1e-4, as Python
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string toRepr(const Value &value, Budget &budget) {
  Printer printer(budget);
  printer.repr(value);
  return std::move(printer.out);
}

std::string toText(const Value &value, Budget &budget) {
  if (value.is(Kind::String)) {
    budget.make(value.asString().size());
    return value.asString();
  }
  return value.is(Kind::Undefined) ? "" : toRepr(value, budget);
}

} // namespace quipu::jinja
