// Expected values are worked out by hand.
#include "tools/quipu/Quality.h"

#include <cmath>
#include <gtest/gtest.h>

using quipu::tool::Quality;

namespace {

const float even[] = {0, 0};
const float threeToOne[] = {std::log(3.0f), 0}; // 3/4 and 1/4

TEST(Quality, equal_distributions_have_no_divergence) {
  Quality quality(2);
  const float shifted[] = {std::log(3.0f) + 5, 5}; // logits are worth the same up to a constant
  quality.add(shifted, threeToOne, 1);
  EXPECT_NEAR(quality.meanDivergence(), 0, 1e-6);
  EXPECT_EQ(quality.agreement(), 1);
  EXPECT_NEAR(quality.perplexity(), 4, 1e-5);
}

TEST(Quality, divergence_is_from_the_reference) {
  Quality quality(2);
  quality.add(threeToOne, even, 0);
  EXPECT_NEAR(quality.meanDivergence(), 0.5 * std::log(4.0 / 3), 1e-6);
  Quality other(2);
  other.add(even, threeToOne, 0);
  EXPECT_NEAR(other.meanDivergence(), 0.75 * std::log(1.5) + 0.25 * std::log(0.5), 1e-6);
}

TEST(Quality, positions_are_averaged_and_ranked) {
  Quality quality(2);
  for (int i = 0; i < 99; ++i)
    quality.add(even, even, 0);
  const float other[] = {0, std::log(3.0f)};
  quality.add(other, threeToOne, 0);
  double divergence = 0.5 * std::log(3.0); // 3/4 ln 3 - 1/4 ln 3
  EXPECT_EQ(quality.positions(), 100u);
  EXPECT_NEAR(quality.meanDivergence(), divergence / 100, 1e-7);
  EXPECT_EQ(quality.divergenceAt(0.99), 0);
  EXPECT_NEAR(quality.divergenceAt(1), divergence, 1e-6);
  EXPECT_NEAR(quality.agreement(), 0.99, 1e-12);
  EXPECT_NEAR(quality.perplexity(), std::pow(2, 1.01), 1e-5); // 99 times 1/2, once 1/4
}

TEST(Quality, what_is_no_number_shows) {
  Quality quality(2);
  const float bad[] = {NAN, 0};
  quality.add(bad, even, 0);
  EXPECT_FALSE(quality.isNumber());
}

} // namespace
