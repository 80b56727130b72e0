#include "runtime/Device/Step.h"

#include <algorithm>
#include <cmath>

namespace quipu {

namespace {

bool inRange(const std::vector<int32_t> &values, int64_t end) {
  return std::all_of(values.begin(), values.end(), [end](int32_t value) { return value >= 0 && value < end; });
}

// Written so that NaN fails too.
bool isInRange(const RowSampling &row) {
  return (row.temperature == 0 || (row.temperature > 0 && std::isnormal(row.temperature))) && row.topP > 0 &&
         row.topP <= 1 && row.minP >= 0 && row.minP <= 1 && row.repetitionPenalty > 0 &&
         std::isfinite(row.repetitionPenalty);
}

Expected<void> checkSampling(const Step &step, uint32_t vocab) {
  uint64_t words = seenWords(vocab);
  if (step.sampling.size() != step.rows.size() || step.seen.size() > step.rows.size() * words)
    return makeError("step has sampling of other rows than it asks for");
  for (size_t row = 0; row < step.sampling.size(); ++row) {
    if (!isInRange(step.sampling[row]))
      return makeError("step has a row whose sampling is out of range");
    if (step.sampling[row].repetitionPenalty != 1 && step.seen.size() < (row + 1) * words)
      return makeError("step has a row with a repetition penalty and no tokens that were seen");
  }
  return {};
}

} // namespace

void Step::clear() {
  for (std::vector<int32_t> *values : {&ids, &positions, &slots, &seqStarts, &contextLens, &pageTable, &rows})
    values->clear();
  sampling.clear();
  seen.clear();
}

StepDims dimsOf(const Step &step, const MemoryPlan &plan) {
  return {static_cast<int64_t>(step.ids.size()), static_cast<int64_t>(step.contextLens.size()),
          static_cast<int64_t>(step.rows.size()), static_cast<int64_t>(plan.limits.pageStride)};
}

Expected<void> checkStep(const Step &step, const MemoryPlan &plan, uint32_t vocab) {
  size_t tokens = step.ids.size(), sequences = step.contextLens.size();
  if (tokens == 0 || tokens > plan.limits.tokens)
    return makeError("step of {} tokens, the program takes 1 to {}", tokens, plan.limits.tokens);
  if (sequences == 0 || sequences > plan.limits.sequences)
    return makeError("step of {} sequences, the program takes 1 to {}", sequences, plan.limits.sequences);
  if (step.rows.size() > plan.limits.rows)
    return makeError("step asks for {} rows of logits, the program gives up to {}", step.rows.size(), plan.limits.rows);
  if (step.positions.size() != tokens || step.slots.size() != tokens || step.seqStarts.size() != sequences + 1 ||
      step.pageTable.size() != sequences * plan.limits.pageStride)
    return makeError("step of {} tokens and {} sequences has parts of other sizes", tokens, sequences);
  if (!inRange(step.ids, vocab))
    return makeError("step has a token id outside the vocabulary of {}", vocab);
  if (!inRange(step.rows, static_cast<int64_t>(tokens)) || !inRange(step.positions, plan.maxContext) ||
      !inRange(step.slots, int64_t(plan.pageCount) * plan.pageSize) || !inRange(step.pageTable, plan.pageCount))
    return makeError("step has a position, slot, page or row that does not exist");
  if (step.seqStarts.front() != 0 || step.seqStarts.back() != static_cast<int64_t>(tokens))
    return makeError("step has sequences that do not cover its tokens");
  for (size_t i = 0; i < sequences; ++i) {
    int32_t begin = step.seqStarts[i], end = step.seqStarts[i + 1];
    if (begin >= end || end > static_cast<int64_t>(tokens) || step.contextLens[i] < 1 ||
        step.contextLens[i] > static_cast<int64_t>(plan.maxContext))
      return makeError("step has a sequence without tokens or with a context that cannot be");
    for (int32_t token = begin; token < end; ++token)
      if (step.positions[token] >= step.contextLens[i])
        return makeError("step has a token past the end of its context");
  }
  return checkSampling(step, vocab);
}

} // namespace quipu
