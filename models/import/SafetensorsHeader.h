// The JSON header of a safetensors file, read event by event against its schema, so that a hostile header is refused at
// the first byte that does not fit and never becomes a tree in memory.
#pragma once

#include "models/import/DType.h"
#include "runtime/Support/Error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quipu::models {

struct SafetensorsEntry {
  std::string name;
  DType dtype;
  std::vector<uint64_t> shape;
  uint64_t begin, end; // bytes from the start of the data
};

// Checks the form only; whether extents fit the file is for the caller.
Expected<std::vector<SafetensorsEntry>> parseSafetensorsHeader(std::string_view json, const std::string &file);

} // namespace quipu::models
