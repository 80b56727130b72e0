#include "models/config/ConfigReader.h"

#include "models/config/ConfigKeys.h"
#include "models/config/JsonFile.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace quipu::models {

namespace {

const nlohmann::json &emptyObject() {
  static const nlohmann::json object = nlohmann::json::object();
  return object;
}

template <typename T> std::string describe(Range<T> range) { return fmt::format("{} to {}", range.min, range.max); }

} // namespace

ConfigReader::ConfigReader(const nlohmann::json &object, std::string file)
    : ConfigReader(std::make_shared<State>(), object, "") {
  state->file = std::move(file);
}

ConfigReader::ConfigReader(std::shared_ptr<State> shared, const nlohmann::json &object, std::string prefix)
    : state(std::move(shared)), self(std::make_shared<Section>(Section{&object, std::move(prefix), {}})) {
  state->sections.push_back(self);
}

std::string ConfigReader::spelling(const std::string &key) const {
  auto other = state->aliases.find(key);
  if (other == state->aliases.end() || (self->object->contains(key) && !self->object->contains(other->second)))
    return key;
  return other->second;
}

const nlohmann::json *ConfigReader::find(const std::string &key) {
  std::string name = spelling(key);
  self->read.insert(key);
  self->read.insert(name);
  auto found = self->object->find(name);
  return found == self->object->end() || found->is_null() ? nullptr : &*found;
}

bool ConfigReader::has(const std::string &key) { return find(key) != nullptr; }

bool ConfigReader::isNull(const std::string &key) const {
  auto found = self->object->find(spelling(key));
  return found != self->object->end() && found->is_null();
}

bool ConfigReader::isString(const std::string &key) const {
  auto found = self->object->find(spelling(key));
  return found != self->object->end() && found->is_string();
}

void ConfigReader::fail(const std::string &key, const std::string &problem) {
  if (!state->error)
    state->error = Error{fmt::format("{}: {}{} {}", state->file, self->prefix, spelling(key), problem)};
}

void ConfigReader::failValue(const std::string &key, const nlohmann::json *value, const std::string &expected) {
  fail(key, value ? fmt::format("is {}; expected {}", shown(*value), expected)
                  : fmt::format("is missing; expected {}", expected));
}

std::optional<int64_t> ConfigReader::toInteger(const std::string &key, const nlohmann::json &value,
                                               Range<int64_t> range) {
  bool fits = value.is_number_integer() &&
              !(value.is_number_unsigned() && value.get<uint64_t>() > std::numeric_limits<int64_t>::max());
  if (fits) {
    int64_t integer = value.get<int64_t>();
    if (integer >= range.min && integer <= range.max)
      return integer;
  }
  failValue(key, &value, value.is_number_integer() ? describe(range) : "an integer, " + describe(range));
  return std::nullopt;
}

std::optional<int64_t> ConfigReader::optionalInteger(const std::string &key, Range<int64_t> range) {
  const nlohmann::json *value = find(key);
  return value ? toInteger(key, *value, range) : std::nullopt;
}

int64_t ConfigReader::integer(const std::string &key, Range<int64_t> range) {
  if (!has(key))
    failValue(key, nullptr, describe(range));
  return optionalInteger(key, range).value_or(range.min);
}

int64_t ConfigReader::integerOr(const std::string &key, int64_t fallback, Range<int64_t> range) {
  return optionalInteger(key, range).value_or(fallback);
}

std::vector<int64_t> ConfigReader::integers(const std::string &key, Range<int64_t> range) {
  std::vector<int64_t> result;
  const nlohmann::json *value = find(key);
  if (value && value->is_array()) {
    for (const nlohmann::json &element : *value)
      if (auto integer = toInteger(key, element, range))
        result.push_back(*integer);
  } else if (value) {
    if (auto integer = toInteger(key, *value, range))
      result.push_back(*integer);
  }
  return result;
}

std::optional<double> ConfigReader::toNumber(const std::string &key, const nlohmann::json &value, Range<double> range) {
  if (value.is_number()) {
    double number = value.get<double>();
    if (number >= range.min && number <= range.max)
      return number;
  }
  failValue(key, &value, value.is_number() ? describe(range) : "a number, " + describe(range));
  return std::nullopt;
}

std::optional<double> ConfigReader::optionalNumber(const std::string &key, Range<double> range) {
  const nlohmann::json *value = find(key);
  return value ? toNumber(key, *value, range) : std::nullopt;
}

std::vector<double> ConfigReader::numbers(const std::string &key, Range<double> range) {
  std::vector<double> result;
  const nlohmann::json *value = find(key);
  if (value && !value->is_array())
    failValue(key, value, "a list of numbers");
  else if (value)
    for (const nlohmann::json &element : *value)
      if (auto number = toNumber(key, element, range))
        result.push_back(*number);
  return result;
}

double ConfigReader::number(const std::string &key, Range<double> range) {
  if (!has(key))
    failValue(key, nullptr, describe(range));
  return optionalNumber(key, range).value_or(range.min);
}

double ConfigReader::numberOr(const std::string &key, double fallback, Range<double> range) {
  return optionalNumber(key, range).value_or(fallback);
}

bool ConfigReader::booleanOr(const std::string &key, bool fallback) {
  const nlohmann::json *value = find(key);
  if (!value)
    return fallback;
  if (value->is_boolean())
    return value->get<bool>();
  failValue(key, value, "true or false");
  return fallback;
}

std::string ConfigReader::stringOr(const std::string &key, std::string fallback) {
  const nlohmann::json *value = find(key);
  if (!value)
    return fallback;
  if (value->is_string())
    return value->get<std::string>();
  failValue(key, value, "a string");
  return fallback;
}

std::vector<std::string> ConfigReader::strings(const std::string &key) {
  std::vector<std::string> result;
  const nlohmann::json *value = find(key);
  bool valid = !value || value->is_array();
  if (value && valid)
    for (const nlohmann::json &element : *value)
      if ((valid = valid && element.is_string()))
        result.push_back(element.get<std::string>());
  if (!valid)
    failValue(key, value, "a list of strings");
  return valid ? result : std::vector<std::string>();
}

ConfigReader ConfigReader::section(const std::string &key) {
  const nlohmann::json *value = find(key);
  if (value && !value->is_object()) {
    failValue(key, value, "an object");
    value = nullptr;
  }
  // One for each prefix, so that a key read through one reader is read for all of them.
  std::string prefix = self->prefix + key + ".";
  for (const std::shared_ptr<Section> &known : state->sections)
    if (known->prefix == prefix)
      return ConfigReader(state, known);
  return ConfigReader(state, value ? *value : emptyObject(), prefix);
}

std::set<std::string> ConfigReader::keysRead() const {
  std::set<std::string> keys;
  for (const auto &section : state->sections)
    for (const std::string &key : section->read)
      keys.insert(section->prefix + key);
  return keys;
}

Expected<> ConfigReader::finish(std::vector<std::string> &warnings) {
  if (state->error)
    return tl::unexpected<Error>(*state->error);
  for (const auto &section : state->sections)
    for (const auto &[key, value] : section->object->items()) {
      if (section->read.count(key))
        continue;
      switch (judgeUnreadKey(key, value)) {
      case UnreadKey::Harmless:
        break;
      case UnreadKey::ChangesMeaning:
        return makeError("{}: {}{} is {}; it changes what the model computes and is not supported", state->file,
                         section->prefix, key, shown(value));
      case UnreadKey::Unknown:
        warnings.push_back(fmt::format("{}: {}{} is not known and ignored", state->file, section->prefix, key));
      }
    }
  return {};
}

} // namespace quipu::models
