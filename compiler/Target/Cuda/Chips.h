// NVIDIA's chips that code is generated for.
#pragma once

#include "compiler/Codegen/Gpu/Chip.h"
#include "runtime/Support/Error.h"

#include <string_view>
#include <vector>

namespace quipu::cuda {

// In the order of their numbers.
const std::vector<gpu::Chip> &chips();

// The chip of a name such as "sm_90a". Errors: none, or an unknown name (lists the known ones).
Expected<gpu::Chip> findChip(std::string_view name);

} // namespace quipu::cuda
