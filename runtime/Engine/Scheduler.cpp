#include "runtime/Engine/Scheduler.h"

#include <algorithm>

namespace quipu {

namespace {

// Positions a sequence can come to use; the last token it generates never goes into the cache.
uint64_t positionsOf(const Sequence &sequence, const MemoryPlan &plan) {
  return std::min<uint64_t>(plan.maxContext, sequence.promptTokens + uint64_t(sequence.maxNew) - 1);
}

} // namespace

Scheduler::Scheduler(const MemoryPlan &plan) : plan(plan), kvPool(plan.pageCount, plan.pageSize), batch(plan) {}

Expected<void> Scheduler::add(std::unique_ptr<Sequence> sequence) {
  uint32_t pages = kvPool.pagesFor(positionsOf(*sequence, plan));
  if (pages > kvPool.pageCount())
    return makeError("{} prompt tokens and {} new ones take {} KV pages, the pool has {}", sequence->promptTokens,
                     sequence->maxNew, pages, kvPool.pageCount());
  waiting.push_back(std::move(sequence));
  return {};
}

// No more sequences run than one step has room for, so each that decodes gets its token in every step.
void Scheduler::admit() {
  uint64_t most = std::min({plan.limits.sequences, plan.limits.rows, plan.limits.tokens});
  while (!waiting.empty() && running.size() < most) {
    uint32_t pages = kvPool.pagesFor(positionsOf(*waiting.front(), plan));
    if (pages > kvPool.freePages())
      return;
    waiting.front()->pages = kvPool.take(pages);
    running.push_back(std::move(waiting.front()));
    waiting.pop_front();
  }
}

// Gives a sequence what is left of the step's tokens.
void Scheduler::share(Sequence &sequence) {
  size_t tokens = std::min<uint64_t>(sequence.pending(), batch.tokensLeft());
  if (tokens == 0)
    return;
  int32_t first = batch.addTokens(sequence.tokens, sequence.cached, tokens, sequence.pages);
  Share part = {&sequence, tokens, tokens == sequence.pending(), 0};
  if (part.hasRow)
    part.row = batch.askForRow(first + static_cast<int32_t>(tokens) - 1, sequence.sampling(), sequence.seen);
  shares.push_back(part);
}

const std::vector<Share> &Scheduler::next() {
  admit();
  batch.clear();
  shares.clear();
  for (bool decoding : {true, false})
    for (const std::unique_ptr<Sequence> &sequence : running)
      if (sequence->decoding() == decoding)
        share(*sequence);
  return shares;
}

bool Scheduler::remove(SequenceId id) {
  auto hasId = [id](const std::unique_ptr<Sequence> &sequence) { return sequence->id == id; };
  for (std::deque<std::unique_ptr<Sequence>> *queue : {&waiting, &running}) {
    auto found = std::find_if(queue->begin(), queue->end(), hasId);
    if (found != queue->end()) {
      kvPool.giveBack((*found)->pages);
      queue->erase(found);
      return true;
    }
  }
  return false;
}

} // namespace quipu
