// Typed reading of GGUF metadata. Like ConfigReader it keeps the first error and goes on, so that many keys can be read
// in a row and checked once; after an error every read gives what an absent key gives.
#pragma once

#include "models/import/gguf/Gguf.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace quipu::models {

class GgufMetadata {
public:
  explicit GgufMetadata(const GgufFile &file) : file(file) {}

  bool has(std::string_view key) const { return file.find(key) != nullptr; }

  // One number, truth value or string as JSON, for a reader that checks its type and range; null where absent.
  nlohmann::json value(std::string_view key);

  // The same, or a JSON array of numbers or truth values, one a layer; just one of them where all are the same.
  nlohmann::json layerValue(std::string_view key);

  std::optional<int64_t> integer(std::string_view key); // an array counts where all its elements are the same
  std::optional<bool> boolean(std::string_view key);
  std::string_view string(std::string_view key); // valid UTF-8; empty where absent

  // Arrays; empty where absent. Strings point into the file and may be any bytes.
  std::vector<std::string_view> strings(std::string_view key);
  std::vector<float> floats(std::string_view key);
  std::vector<int32_t> int32s(std::string_view key);

  void fail(std::string_view key, const std::string &problem); // "FILE: KEY PROBLEM"
  const std::optional<Error> &error() const { return firstError; }

private:
  const GgufValue *find(std::string_view key, bool array, std::initializer_list<GgufType> types, const char *expected);

  const GgufFile &file;
  std::optional<Error> firstError;
};

} // namespace quipu::models
