// JSON as the commands print it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace quipu::tool {

// In UTF-8, with replacement characters where the value's strings are not: paths may be any bytes, and a text may be
// cut inside a character. `indent` below zero: one line.
template <typename Json> std::string jsonText(const Json &value, int indent = -1) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

} // namespace quipu::tool
