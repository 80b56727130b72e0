// Which rows of the chips' tables are worth a run on the host. Chips of a family print the same kernels, or kernels
// that differ only where the host has something in place of an instruction: the preprocessor tells.
#pragma once

#include "test/Conformance/Gpu/KernelTable.h"

namespace quipu::gpu::conformance {

struct ChipRow {
  std::string chip;
  size_t row; // in its table
};

// For each chip in turn the rows whose source for the host, launch, sizes or tolerance no earlier chip has.
Expected<std::vector<ChipRow>> distinctRows(const std::vector<std::string> &chips);

} // namespace quipu::gpu::conformance
