#include "test/Conformance/Gpu/KernelTable.h"

#include "compiler/Target/Cuda/Chips.h"
#include "compiler/Target/Hip/Chips.h"

namespace quipu::gpu::conformance {

Chip chipNamed(const std::string &name) {
  auto chip = name.substr(0, 3) == "sm_" ? cuda::findChip(name) : hip::findChip(name);
  return chip ? *chip : Chip{};
}

std::vector<KernelRow> kernelTable(const Chip &chip) {
  std::vector<KernelRow> table;
  for (const std::vector<KernelRow> &rows : {attentionRows(chip), rowwiseRows()})
    for (const KernelRow &row : rows)
      if (row.stages[0].generator == "rms_norm" || row.stages[0].generator.substr(0, 9) == "attention")
        table.push_back(row);
  return table;
}

} // namespace quipu::gpu::conformance
