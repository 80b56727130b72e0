// JSON files from outside: read with a limit on size and nesting, and refused with the place of the fault.
#pragma once

#include "runtime/Support/Error.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace quipu::models {

// Parses `text` as one JSON object; `file` names it in errors ("config.json: not valid JSON at line 3, column 7").
Expected<nlohmann::json> parseJsonObject(std::string_view text, const std::string &file);

// Reads and parses a whole file of at most `maxBytes`.
Expected<nlohmann::json> readJsonObject(const std::string &path, size_t maxBytes);

// A name or value from a file as it may stand in a one-line message: in single quotes, control characters escaped,
// cut after 120 bytes.
std::string inQuotes(std::string_view text);

// A JSON value as it may stand in a one-line message: its JSON text, cut after 80 bytes.
std::string shown(const nlohmann::json &value);

} // namespace quipu::models
