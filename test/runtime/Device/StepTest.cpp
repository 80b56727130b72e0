// A step that a kernel would go astray with is refused.
#include "runtime/Device/Step.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>

using namespace quipu;

namespace {

MemoryPlan plan() {
  MemoryPlan plan = {};
  plan.limits = {8, 2, 3, 2};
  plan.maxContext = 32;
  plan.maxSequences = 2;
  plan.pageSize = 16;
  plan.pageCount = 4;
  return plan;
}

// Two tokens of a prompt and one that decodes at position 17.
Step goodStep() {
  Step step;
  step.ids = {1, 2, 3};
  step.positions = {0, 1, 17};
  step.slots = {0, 1, 33};
  step.seqStarts = {0, 2, 3};
  step.contextLens = {2, 18};
  step.pageTable = {0, 0, 1, 2};
  step.rows = {1, 2};
  step.sampling.resize(2);
  step.sampling[1] = {0x1p-126f, 7, 0.5f, 1, 2, 0, 0};
  step.seen = {0, 31};
  return step;
}

TEST(StepTest, a_step_within_the_plan_is_taken) {
  Expected<void> result = checkStep(goodStep(), plan(), 5);
  EXPECT_TRUE(result) << result.error().message;
  EXPECT_EQ(dimsOf(goodStep(), plan()), (StepDims{3, 2, 2, 2}));
}

TEST(StepTest, whatever_a_kernel_indexes_with_is_checked) {
  const std::pair<const char *, std::function<void(Step &)>> cases[] = {
      {"no tokens", [](Step &s) { s.clear(); }},
      {"more tokens than planned",
       [](Step &s) {
         s.ids.resize(9), s.positions.resize(9), s.slots.resize(9);
         s.seqStarts[2] = 9;
       }},
      {"id", [](Step &s) { s.ids[0] = 5; }},
      {"negative id", [](Step &s) { s.ids[0] = -1; }},
      {"position past the context", [](Step &s) { s.positions[2] = 32; }},
      {"position past its sequence", [](Step &s) { s.positions[1] = 2; }},
      {"slot", [](Step &s) { s.slots[2] = 64; }},
      {"page", [](Step &s) { s.pageTable[3] = 4; }},
      {"row", [](Step &s) { s.rows[1] = 3; }},
      {"more rows than planned", [](Step &s) { s.rows = {0, 1, 2, 2}; }},
      {"missing slot", [](Step &s) { s.slots.pop_back(); }},
      {"short page table", [](Step &s) { s.pageTable.pop_back(); }},
      {"first start", [](Step &s) { s.seqStarts[0] = 1; }},
      {"last start", [](Step &s) { s.seqStarts[2] = 2; }},
      {"empty sequence", [](Step &s) { s.seqStarts[1] = 0; }},
      {"start past the end", [](Step &s) { s.seqStarts[1] = 9; }},
      {"context length", [](Step &s) { s.contextLens[1] = 33; }},
      {"sampling of no row", [](Step &s) { s.sampling.resize(3); }},
      {"row without sampling", [](Step &s) { s.sampling.resize(1), s.seen.clear(); }},
      {"tokens seen of no row", [](Step &s) { s.seen.resize(3); }},
      {"penalty without tokens seen", [](Step &s) { s.seen.pop_back(); }},
      {"temperature", [](Step &s) { s.sampling[0].temperature = NAN; }},
      {"temperature that kernels divide by", [](Step &s) { s.sampling[1].temperature = 0x1p-127f; }},
      {"infinite temperature", [](Step &s) { s.sampling[1].temperature = INFINITY; }},
      {"negative temperature", [](Step &s) { s.sampling[1].temperature = -1; }},
      {"top-p", [](Step &s) { s.sampling[1].topP = 0; }},
      {"top-p above 1", [](Step &s) { s.sampling[1].topP = 1.5f; }},
      {"min-p", [](Step &s) { s.sampling[1].minP = -0.5f; }},
      {"min-p above 1", [](Step &s) { s.sampling[1].minP = 2; }},
      {"penalty", [](Step &s) { s.sampling[1].repetitionPenalty = 0; }},
      {"infinite penalty", [](Step &s) { s.sampling[1].repetitionPenalty = INFINITY; }},
  };
  for (const auto &[name, spoil] : cases) {
    Step step = goodStep();
    spoil(step);
    EXPECT_FALSE(checkStep(step, plan(), 5)) << name;
  }
}

} // namespace
