// The ragged batch of one step: T tokens of S sequences, and the R rows whose logits are asked for.
#pragma once

#include "runtime/Artifact/MemoryPlan.h"
#include "runtime/Artifact/RowSampling.h"
#include "runtime/Support/Error.h"

#include <array>
#include <cstdint>
#include <vector>

namespace quipu {

// docs/architecture.md says what each holds.
struct Step {
  std::vector<int32_t> ids;          // [T]
  std::vector<int32_t> positions;    // [T]
  std::vector<int32_t> slots;        // [T]
  std::vector<int32_t> seqStarts;    // [S + 1]
  std::vector<int32_t> contextLens;  // [S]
  std::vector<int32_t> pageTable;    // [S, plan.limits.pageStride]
  std::vector<int32_t> rows;         // [R]
  std::vector<RowSampling> sampling; // [R]
  std::vector<uint32_t> seen;        // [R, seenWords(vocab)]; rows without a penalty may be left out at its end

  void clear();
};

// The symbolic dims in the order kernels receive them: tokens, sequences, rows, page stride.
using StepDims = std::array<int64_t, 4>;
StepDims dimsOf(const Step &step, const MemoryPlan &plan);

// Kernels trust the batch: whatever one of them indexes with is checked here. Token ids are checked against `vocab`.
Expected<void> checkStep(const Step &step, const MemoryPlan &plan, uint32_t vocab);

} // namespace quipu
