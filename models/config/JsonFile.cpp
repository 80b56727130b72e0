#include "models/config/JsonFile.h"

#include "runtime/Support/MappedFile.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace quipu::models {

namespace {

// Deeper than any configuration; it bounds the memory a hostile "[[[[..." can ask for.
constexpr int maxDepth = 32;

// Accepts any JSON and remembers where the first fault is; the DOM parser without exceptions does not say.
struct FaultFinder : nlohmann::json_sax<nlohmann::json> {
  size_t fault = 0; // bytes read, the one at fault included
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t &) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t position, const std::string &, const nlohmann::detail::exception &) override {
    fault = position;
    return false;
  }
};

std::string cut(std::string text, size_t limit) {
  if (text.size() <= limit)
    return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) // not inside a UTF-8 sequence
    --limit;
  return text.substr(0, limit) + "...";
}

} // namespace

Expected<nlohmann::json> parseJsonObject(std::string_view text, const std::string &file) {
  bool tooDeep = false;
  auto limitDepth = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json &) {
    tooDeep |= depth > maxDepth;
    return !tooDeep;
  };
  nlohmann::json value = nlohmann::json::parse(text.begin(), text.end(), limitDepth, /*allow_exceptions=*/false);
  if (tooDeep)
    return makeError("{}: nested more than {} levels deep", file, maxDepth);
  if (value.is_discarded()) {
    FaultFinder finder;
    nlohmann::json::sax_parse(text.begin(), text.end(), &finder);
    std::string_view before = text.substr(0, std::min(std::max<size_t>(finder.fault, 1) - 1, text.size()));
    size_t line = 1 + std::count(before.begin(), before.end(), '\n');
    size_t column = before.size() - before.rfind('\n'); // on the first line: size - npos is size + 1
    return makeError("{}: not valid JSON at line {}, column {}", file, line, column);
  }
  if (!value.is_object())
    return makeError("{}: expected a JSON object, got {}", file, value.type_name());
  return value;
}

Expected<nlohmann::json> readJsonObject(const std::string &path, size_t maxBytes) {
  auto file = MappedFile::open(path);
  if (!file)
    return passError(std::move(file));
  if (file->size() > maxBytes)
    return makeError("{}: is {} bytes; expected at most {}", path, file->size(), maxBytes);
  return parseJsonObject({reinterpret_cast<const char *>(file->data()), file->size()}, path);
}

std::string inQuotes(std::string_view text) {
  std::string escaped =
      nlohmann::json(std::string(text.substr(0, 200))).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return "'" + cut(escaped.substr(1, escaped.size() - 2), 120) + "'";
}

std::string shown(const nlohmann::json &value) {
  return cut(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), 80);
}

} // namespace quipu::models
