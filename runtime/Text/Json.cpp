#include "runtime/Text/Json.h"

namespace quipu {

using nlohmann::json;

namespace {

// Real files nest less than ten deep; copying and writing nlohmann values recurses.
constexpr size_t kMaxDepth = 64;

bool nestsTooDeep(std::string_view text) {
  size_t depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth)
        return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

template <typename Json> Expected<Json> parseAs(std::string_view text, const std::string &name) {
  if (nestsTooDeep(text))
    return makeError("{}: JSON is nested more than {} deep", name, kMaxDepth);
  Json parsed = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded())
    return makeError("{}: is not valid JSON", name);
  return parsed;
}

} // namespace

Expected<json> parseJson(std::string_view text, const std::string &name) { return parseAs<json>(text, name); }

Expected<nlohmann::ordered_json> parseOrderedJson(std::string_view text, const std::string &name) {
  return parseAs<nlohmann::ordered_json>(text, name);
}

JsonFields::JsonFields(const json &object, std::string where) : source(object), place(std::move(where)) {
  if (!source.is_object())
    firstError = fmt::format("{}: expected an object, got {}", place, source.type_name());
}

const json *JsonFields::find(const char *key, bool (json::*hasType)() const noexcept, const char *expected) {
  asked.insert(key);
  if (!source.is_object())
    return nullptr;
  auto it = source.find(key);
  if (it == source.end() || it->is_null())
    return nullptr;
  if (hasType && !((*it).*hasType)()) {
    if (firstError.empty())
      firstError = fmt::format("{}: '{}' must be {}, got {}", place, key, expected, it->type_name());
    return nullptr;
  }
  return &*it;
}

bool JsonFields::boolean(const char *key, bool fallback) {
  const auto *value = find(key, &json::is_boolean, "true or false");
  return value ? value->get<bool>() : fallback;
}

int64_t JsonFields::integer(const char *key, int64_t fallback) {
  const auto *value = find(key, &json::is_number_integer, "an integer");
  return value ? value->get<int64_t>() : fallback;
}

std::string JsonFields::string(const char *key, std::string fallback) {
  const auto *value = find(key, &json::is_string, "a string");
  return value ? value->get<std::string>() : std::move(fallback);
}

const json *JsonFields::object(const char *key) { return find(key, &json::is_object, "an object"); }
const json *JsonFields::array(const char *key) { return find(key, &json::is_array, "an array"); }
const json *JsonFields::any(const char *key) { return find(key, nullptr, ""); }

void JsonFields::ignore(std::initializer_list<const char *> keys) { asked.insert(keys.begin(), keys.end()); }

Expected<void> JsonFields::finish() const {
  if (auto result = finishIgnoringUnknownKeys(); !result)
    return result;
  for (const auto &item : source.items())
    if (!asked.count(item.key()))
      return makeError("{}: '{}' is not supported", place, item.key());
  return {};
}

Expected<void> JsonFields::finishIgnoringUnknownKeys() const {
  if (!firstError.empty())
    return tl::unexpected<Error>(Error{firstError});
  return {};
}

} // namespace quipu
