// Expected values are worked out by hand.
#include "tools/quipu/Commands/Bench/Pairs.h"

#include <gtest/gtest.h>

using namespace quipu::tool;

namespace {

void expectQuartiles(const Quartiles &values, double lower, double median, double upper) {
  EXPECT_DOUBLE_EQ(values.lower, lower);
  EXPECT_DOUBLE_EQ(values.median, median);
  EXPECT_DOUBLE_EQ(values.upper, upper);
}

Pair pairOf(double step, double afterOne, double alone, quipu::Transfer probed = {}) {
  Pair pair;
  pair.step = step;
  pair.afterOne = afterOne;
  pair.alone = alone;
  pair.turns = 1;
  pair.probed = probed;
  return pair;
}

TEST(BenchPairs, quartiles_are_of_the_order_not_of_the_sequence) {
  expectQuartiles(quartilesOf({5, 1, 4, 2, 3}), 2, 3, 4);
}

TEST(BenchPairs, quartiles_between_two_values_are_interpolated) {
  expectQuartiles(quartilesOf({10, 20, 30, 40}), 17.5, 25, 32.5);
  expectQuartiles(quartilesOf({1, 3}), 1.5, 2, 2.5);
}

TEST(BenchPairs, one_value_is_all_its_quartiles) { expectQuartiles(quartilesOf({7}), 7, 7, 7); }

// The second pair is from a moment of half the bandwidth, in which everything takes twice as long.
TEST(BenchPairs, a_context_is_held_against_the_bandwidth_of_its_own_pair) {
  ContextCost cost = contextCost({pairOf(1.25, 1, 0, {400, 4}), pairOf(2.5, 2, 0, {400, 8})}, 20);
  expectQuartiles(cost.times, 1.25, 1.25, 1.25);
  expectQuartiles(cost.longer, 0.3125, 0.375, 0.4375);
  expectQuartiles(cost.explained, 0.25, 0.3, 0.35); // 20 bytes at 100 and at 50 a second
  expectQuartiles(cost.longerToExplained, 1.25, 1.25, 1.25);
}

TEST(BenchPairs, without_a_probe_nothing_is_explained) {
  ContextCost cost = contextCost({pairOf(3, 2, 0)}, 20);
  expectQuartiles(cost.times, 1.5, 1.5, 1.5);
  expectQuartiles(cost.longer, 1, 1, 1);
  expectQuartiles(cost.explained, 0, 0, 0);
}

// Eight sequences in a step of twice the time of one's: four times the tokens.
TEST(BenchPairs, a_batch_gains_what_its_step_does_not_take_longer) {
  expectQuartiles(batchGain({pairOf(2, 0, 1), pairOf(8, 0, 5), pairOf(4, 0, 3)}, 8), 4.5, 5, 5.5);
}

} // namespace
