// The table of GPU kernels as an artifact that `quipu conformance` runs on a machine without a compiler: each row is a
// launch, each of its sizes a check with operands and what the reference computes from them.
#pragma once

#include "runtime/Support/Error.h"
#include "test/Conformance/Gpu/KernelTable.h"

#include <cstdint>

namespace quipu::gpu::conformance {

// The rows of the target's chip ("cuda:sm_90a", "simt:gfx942") that have `only` in their name.
Expected<std::vector<KernelRow>> rowsOf(const std::string &target, const std::string &only);

// Compiles the rows' kernels for the target and writes the artifact, without checks larger than `mostBytes` (but for
// the smallest of each row).
Expected<> writeConformanceArtifact(const std::string &path, const std::string &target,
                                    const std::vector<KernelRow> &rows, uint64_t mostBytes = UINT64_MAX);

} // namespace quipu::gpu::conformance
