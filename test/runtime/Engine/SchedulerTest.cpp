#include "runtime/Engine/Scheduler.h"

#include <gtest/gtest.h>
#include <set>

using namespace quipu;

namespace {

MemoryPlan planOf(uint32_t tokens, uint32_t sequences, uint32_t rows, uint32_t pages) {
  MemoryPlan plan = {};
  plan.limits = {tokens, sequences, rows, 4};
  plan.maxContext = 64;
  plan.maxSequences = sequences;
  plan.pageSize = 16;
  plan.pageCount = pages;
  return plan;
}

std::unique_ptr<Sequence> sequence(SequenceId id, size_t length, uint32_t maxNew = 4) {
  auto made = std::make_unique<Sequence>(id, std::vector<int32_t>(length, 1), SamplingParams{}, 10);
  made->maxNew = maxNew;
  return made;
}

// What the engine does after a step.
void advance(const std::vector<Share> &shares) {
  for (const Share &share : shares) {
    share.sequence->cached += share.tokens;
    if (share.hasRow)
      share.sequence->tokens.push_back(2);
  }
}

TEST(KvPoolTest, takes_and_gives_back) {
  KvPool pool(4, 16);
  EXPECT_EQ(pool.pagesFor(1), 1u);
  EXPECT_EQ(pool.pagesFor(16), 1u);
  EXPECT_EQ(pool.pagesFor(17), 2u);
  std::vector<int32_t> first = pool.take(3);
  EXPECT_EQ(first, (std::vector<int32_t>{0, 1, 2}));
  EXPECT_TRUE(pool.take(2).empty());
  EXPECT_EQ(pool.freePages(), 1u);
  pool.giveBack(first);
  std::vector<int32_t> all = pool.take(4);
  EXPECT_EQ(std::set<int32_t>(all.begin(), all.end()).size(), 4u);
}

TEST(SchedulerTest, a_step_takes_decodes_first_then_chunks_of_prompts) {
  MemoryPlan plan = planOf(10, 4, 4, 16);
  Scheduler scheduler(plan);
  ASSERT_TRUE(scheduler.add(sequence(1, 3)));
  advance(scheduler.next());
  ASSERT_TRUE(scheduler.add(sequence(2, 25)));
  const std::vector<Share> &shares = scheduler.next();
  ASSERT_EQ(shares.size(), 2u);
  EXPECT_EQ(shares[0].sequence->id, 1u);
  EXPECT_EQ(shares[0].tokens, 1u);
  EXPECT_TRUE(shares[0].hasRow);
  EXPECT_EQ(shares[1].tokens, 9u);
  EXPECT_FALSE(shares[1].hasRow); // the prompt goes on in the next step
  EXPECT_EQ(scheduler.step().positions, (std::vector<int32_t>{3, 0, 1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(scheduler.step().seqStarts, (std::vector<int32_t>{0, 1, 10}));
  EXPECT_EQ(scheduler.step().contextLens, (std::vector<int32_t>{4, 9}));
  EXPECT_EQ(scheduler.step().rows, (std::vector<int32_t>{0}));
}

TEST(SchedulerTest, slots_follow_the_pages_of_the_sequence) {
  MemoryPlan plan = planOf(40, 2, 2, 8);
  Scheduler scheduler(plan);
  ASSERT_TRUE(scheduler.add(sequence(1, 1)));  // page 0
  ASSERT_TRUE(scheduler.add(sequence(2, 20))); // pages 1 and 2
  scheduler.next();
  const Step &step = scheduler.step();
  EXPECT_EQ(step.slots[0], 0);
  EXPECT_EQ(step.slots[1], 16);
  EXPECT_EQ(step.slots[16], 31);
  EXPECT_EQ(step.slots[17], 32);
  EXPECT_EQ(step.pageTable, (std::vector<int32_t>{0, 0, 0, 0, 1, 2, 0, 0}));
  Expected<void> result = checkStep(step, plan, 10);
  EXPECT_TRUE(result) << result.error().message;
}

TEST(SchedulerTest, every_sequence_that_decodes_gets_its_token_in_every_step) {
  MemoryPlan plan = planOf(3, 8, 2, 16); // room for two rows
  Scheduler scheduler(plan);
  for (SequenceId id : {1, 2, 3})
    ASSERT_TRUE(scheduler.add(sequence(id, 2, 9)));
  EXPECT_EQ(scheduler.next().size(), 2u);
  EXPECT_EQ(scheduler.waitingCount(), 1u);
  advance(scheduler.next());
  for (int i = 0; i < 5; ++i) {
    const std::vector<Share> &shares = scheduler.next();
    ASSERT_EQ(shares.size(), 2u);
    EXPECT_EQ(shares[0].sequence->id, 1u);
    EXPECT_EQ(shares[1].sequence->id, 2u);
    advance(shares);
  }
}

TEST(SchedulerTest, removed_sequences_make_room_for_those_that_wait) {
  MemoryPlan plan = planOf(64, 1, 1, 16); // one at a time
  Scheduler scheduler(plan);
  ASSERT_TRUE(scheduler.add(sequence(1, 5)));
  ASSERT_TRUE(scheduler.add(sequence(2, 5)));
  EXPECT_EQ(scheduler.next().at(0).sequence->id, 1u);
  EXPECT_EQ(scheduler.waitingCount(), 1u);
  EXPECT_TRUE(scheduler.remove(1));
  EXPECT_EQ(scheduler.next().at(0).sequence->id, 2u);
  EXPECT_EQ(scheduler.waitingCount(), 0u);
  EXPECT_TRUE(scheduler.remove(2));
  EXPECT_TRUE(scheduler.next().empty());
  EXPECT_EQ(scheduler.pool().freePages(), 16u);
}

} // namespace
