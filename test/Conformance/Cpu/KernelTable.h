// The table of CPU kernels under test. Tests and micro-benchmarks are driven by the rows.
#pragma once

#include "compiler/Codegen/Cpu/WeightLayout.h"
#include "compiler/Codegen/KernelSpec.h"
#include "compiler/Target/Cpu/Chip.h"
#include "test/Conformance/SharedRows.h"

namespace quipu::cpu::conformance {

using namespace quipu::conformance;

// All rows, for a chip: it decides the form of packed inputs.
std::vector<KernelRow> kernelTable(const Chip &chip);
std::vector<KernelRow> matmulRows(const Chip &chip);
// One small matmul of weights in this format, in every tile, and after each tile all that --tune may choose instead.
std::vector<KernelRow> tuningRows(const Chip &chip, const std::string &storage);

std::vector<KernelRow> blockEmbeddingRows();
std::vector<KernelRow> expertRows(const Chip &chip);

// W [n, k] (gated: [2n, k]) in panel64 form, element by element as WeightLayout.h states it.
Operand asPanels(const std::vector<float> &w, const PanelLayout &layout);
const StorageFormat &format(const std::string &name);

// W of random values: those that the format holds, and in panel64 form.
struct StoredWeight {
  std::vector<float> values;
  Operand panels;
};
// `largest`: of blocks, every value is the largest its bits can be; only scales are random.
StoredWeight randomWeight(const PanelLayout &layout, uint32_t seed, bool largest = false);

} // namespace quipu::cpu::conformance
