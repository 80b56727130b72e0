#include "models/import/gguf/GgufMetadata.h"

#include "models/config/JsonFile.h"
#include "runtime/Support/Utf8.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace quipu::models {

namespace {

template <typename T> T load(std::string_view bytes) {
  T value = 0;
  bytes.copy(reinterpret_cast<char *>(&value), sizeof value);
  return value;
}

constexpr const char *typeNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                     "bool", "string", "array", "u64", "i64", "f64"};

// The reader of the file has checked that the lengths lie inside.
std::string_view nextString(std::string_view &bytes) {
  uint64_t length = load<uint64_t>(bytes);
  std::string_view text = bytes.substr(sizeof length, length);
  bytes.remove_prefix(sizeof length + length);
  return text;
}

// A number or a truth value.
nlohmann::json loadJson(GgufType type, std::string_view data) {
  switch (type) {
  case GgufType::U8:
    return load<uint8_t>(data);
  case GgufType::I8:
    return load<int8_t>(data);
  case GgufType::U16:
    return load<uint16_t>(data);
  case GgufType::I16:
    return load<int16_t>(data);
  case GgufType::U32:
    return load<uint32_t>(data);
  case GgufType::I32:
    return load<int32_t>(data);
  case GgufType::F32:
    return load<float>(data);
  case GgufType::Bool:
    return data.front() == 1;
  case GgufType::U64:
    return load<uint64_t>(data);
  case GgufType::I64:
    return load<int64_t>(data);
  case GgufType::F64:
    return load<double>(data);
  case GgufType::String:
  case GgufType::Array:
    break;
  }
  return nullptr;
}

} // namespace

void GgufMetadata::fail(std::string_view key, const std::string &problem) {
  if (!firstError)
    firstError = Error{fmt::format("{}: {} {}", file.name, key, problem)};
}

const GgufValue *GgufMetadata::find(std::string_view key, bool array, std::initializer_list<GgufType> types,
                                    const char *expected) {
  const GgufValue *value = file.find(key);
  if (!value || firstError)
    return nullptr;
  if (value->isArray == array && std::find(types.begin(), types.end(), value->type) != types.end())
    return value;
  fail(key, fmt::format("has the type {}{}; expected {}", value->isArray ? "array of " : "",
                        typeNames[static_cast<size_t>(value->type)], expected));
  return nullptr;
}

nlohmann::json GgufMetadata::value(std::string_view key) {
  using Type = GgufType;
  const GgufValue *value = find(key, false,
                                {Type::U8, Type::I8, Type::U16, Type::I16, Type::U32, Type::I32, Type::F32, Type::Bool,
                                 Type::String, Type::U64, Type::I64, Type::F64},
                                "one value");
  if (!value)
    return nullptr;
  return value->type == Type::String ? nlohmann::json(string(key)) : loadJson(value->type, value->bytes);
}

nlohmann::json GgufMetadata::layerValue(std::string_view key) {
  const GgufValue *list = file.find(key);
  if (!list || !list->isArray)
    return value(key);
  if (list->type == GgufType::String || list->count == 0) {
    fail(key, list->count == 0 ? "is an empty array" : "is an array of strings; expected one of numbers");
    return nullptr;
  }
  nlohmann::json values = nlohmann::json::array();
  size_t size = list->bytes.size() / list->count;
  for (uint64_t i = 0; i < list->count; ++i)
    values.push_back(loadJson(list->type, list->bytes.substr(i * size, size)));
  bool same = std::all_of(values.begin(), values.end(), [&](const nlohmann::json &v) { return v == values.front(); });
  return same ? nlohmann::json(values.front()) : values;
}

std::optional<int64_t> GgufMetadata::integer(std::string_view key) {
  nlohmann::json number = layerValue(key);
  if (number.is_null())
    return std::nullopt;
  if (number.is_number_unsigned() && number.get<uint64_t>() <= uint64_t(std::numeric_limits<int64_t>::max()))
    return number.get<int64_t>();
  if (number.is_number_integer() && !number.is_number_unsigned())
    return number.get<int64_t>();
  fail(key, fmt::format("is {}; expected an integer", shown(number)));
  return std::nullopt;
}

std::optional<bool> GgufMetadata::boolean(std::string_view key) {
  const GgufValue *value = find(key, false, {GgufType::Bool}, "a bool");
  return value ? std::optional(value->bytes[0] == 1) : std::nullopt;
}

std::string_view GgufMetadata::string(std::string_view key) {
  const GgufValue *value = find(key, false, {GgufType::String}, "a string");
  if (!value)
    return {};
  std::string_view bytes = value->bytes, text = nextString(bytes);
  if (auto offset = findInvalidUtf8(text)) {
    fail(key, fmt::format("is not valid UTF-8 at byte {}", *offset));
    return {};
  }
  return text;
}

std::vector<std::string_view> GgufMetadata::strings(std::string_view key) {
  const GgufValue *value = find(key, true, {GgufType::String}, "an array of strings");
  std::vector<std::string_view> result;
  if (!value)
    return result;
  result.reserve(value->count);
  for (std::string_view bytes = value->bytes; !bytes.empty();)
    result.push_back(nextString(bytes));
  return result;
}

std::vector<float> GgufMetadata::floats(std::string_view key) {
  const GgufValue *value = find(key, true, {GgufType::F32}, "an array of f32");
  std::vector<float> result(value ? value->count : 0);
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = load<float>(value->bytes.substr(i * sizeof(float)));
  return result;
}

std::vector<int32_t> GgufMetadata::int32s(std::string_view key) {
  const GgufValue *value = find(key, true, {GgufType::I32, GgufType::U32}, "an array of i32");
  std::vector<int32_t> result(value ? value->count : 0);
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = load<int32_t>(value->bytes.substr(i * sizeof(int32_t)));
  return result;
}

} // namespace quipu::models
