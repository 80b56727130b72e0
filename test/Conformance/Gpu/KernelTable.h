// The table of GPU kernels under test, for a chip. A generator's rows are in a file of their own, or shared with other
// devices (SharedRows.h).
#pragma once

#include "compiler/Codegen/Gpu/Chip.h"
#include "test/Conformance/SharedRows.h"

namespace quipu::gpu::conformance {

using namespace quipu::conformance;

std::vector<KernelRow> kernelTable(const Chip &chip);
std::vector<KernelRow> attentionRows(const Chip &chip);

// A chip of either vendor by its name.
Chip chipNamed(const std::string &name);

} // namespace quipu::gpu::conformance
