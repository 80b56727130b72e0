// The table of GPU kernels under test, for a chip. A generator's rows are in a file of their own, or shared with other
// devices (SharedRows.h).
#pragma once

#include "compiler/Codegen/Gpu/Chip.h"
#include "test/Conformance/SharedRows.h"

namespace quipu::gpu::conformance {

using namespace quipu::conformance;

std::vector<KernelRow> kernelTable(const Chip &chip);
std::vector<KernelRow> attentionRows(const Chip &chip);
std::vector<KernelRow> matmulRows(const Chip &chip);

// W [n, k] (gated: [2n, k]) in tile64 form.
Operand asTiles(const std::vector<float> &w, int64_t n, int64_t k, ElementType element, bool gated);

// A chip of either vendor by its name.
Chip chipNamed(const std::string &name);

} // namespace quipu::gpu::conformance
