// Float32 matrices as NumPy's .npy files (format version 1.0).
#pragma once

#include "runtime/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quipu::tool {

// Writes values as [values.size() / columns, columns]; the file appears under its name only when it is complete.
Expected<> writeNpy(const std::string &path, const std::vector<float> &values, uint64_t columns);

} // namespace quipu::tool
