// Values as text: Python's str() and repr(), and its json module.
#pragma once

#include "runtime/Text/Template/Value/Value.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace quipu::jinja {

std::string toText(const Value &value, Budget &budget); // str()
std::string toRepr(const Value &value, Budget &budget); // repr()
std::string floatText(double value);                    // the shortest digits that give the number back

struct JsonStyle {
  bool ascii = false;                // \uXXXX for all that is not ASCII
  bool sortKeys = false;             // by key
  std::optional<std::string> indent; // of a level; nothing: all in one line
  std::string itemSeparator = ", ", keySeparator = ": ";
};

// json.dumps(); an error for values that JSON does not have.
std::string toJson(const Value &value, const JsonStyle &style, Budget &budget);

// A value of JSON, in the order of its keys.
Value fromJson(const nlohmann::ordered_json &json, Budget &budget);

} // namespace quipu::jinja
