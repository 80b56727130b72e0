// Puts tokens of several sequences into one ragged step.
#pragma once

#include "runtime/Device/Step.h"
#include "runtime/Engine/Sequence.h"

#include <cstdint>
#include <vector>

namespace quipu {

class BatchBuilder {
public:
  explicit BatchBuilder(const MemoryPlan &plan) : plan(plan) {}

  void clear();
  // How many more tokens and rows the step takes.
  uint64_t tokensLeft() const { return plan.limits.tokens - batch.ids.size(); }
  uint64_t rowsLeft() const { return plan.limits.rows - batch.rows.size(); }

  // Adds the `count` tokens that follow those in the cache. Returns the index of the first of them in the step.
  int32_t addTokens(const std::vector<int32_t> &tokens, size_t cached, size_t count, const std::vector<int32_t> &pages);
  // Asks for the logits of a token of the step, and for the token that follows; `seen` is empty without a penalty.
  // Returns its row.
  uint32_t askForRow(int32_t token, const RowSampling &sampling = {}, const std::vector<uint32_t> &seen = {});

  const Step &step() const { return batch; }

private:
  const MemoryPlan &plan;
  Step batch;
};

} // namespace quipu
