// A chip of a backend's table by its name.
#pragma once

#include "compiler/Codegen/Gpu/Chip.h"
#include "runtime/Support/Error.h"

#include <string_view>
#include <vector>

namespace quipu::gpu {

// Errors: no name, or an unknown one; both list the known ones. backend: "cuda".
Expected<Chip> findChip(const std::vector<Chip> &chips, std::string_view name, std::string_view backend);

} // namespace quipu::gpu
