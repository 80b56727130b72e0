// Decides what each step computes. Sequences wait in the order they came until the pool has pages for all the tokens
// they can have, so none that has started is ever put back. A step takes one token of every sequence that decodes, then
// fills up with the prompts of the others, in chunks and in the order they came.
#pragma once

#include "runtime/Engine/BatchBuilder.h"
#include "runtime/Engine/KvPool.h"
#include "runtime/Engine/Sequence.h"

#include <deque>
#include <memory>
#include <vector>

namespace quipu {

// Tokens of one sequence in a step; where the last of its tokens is among them, the row of its logits.
struct Share {
  Sequence *sequence;
  size_t tokens;
  bool hasRow;
  uint32_t row;
};

class Scheduler {
public:
  explicit Scheduler(const MemoryPlan &plan);

  // An error where the pool is too small for the sequence even when nothing else is in it.
  Expected<void> add(std::unique_ptr<Sequence> sequence);
  // Builds the next step; no shares where nothing is left to do.
  const std::vector<Share> &next();
  const Step &step() const { return batch.step(); }
  // Ends a sequence that waits or runs; false where there is none of this id.
  bool remove(SequenceId id);

  size_t waitingCount() const { return waiting.size(); }
  KvPool &pool() { return kvPool; }

private:
  void admit();
  void share(Sequence &sequence);

  const MemoryPlan &plan;
  KvPool kvPool;
  BatchBuilder batch;
  std::deque<std::unique_ptr<Sequence>> waiting;
  std::deque<std::unique_ptr<Sequence>> running;
  std::vector<Share> shares;
};

} // namespace quipu
