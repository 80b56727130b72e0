#include "tools/random-checkpoint/NormalGenerator.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

using quipu::random_checkpoint::NormalGenerator;

namespace {

std::vector<double> draw(NormalGenerator generator, size_t count) {
  std::vector<double> values(count);
  for (double &value : values)
    value = generator.next();
  return values;
}

// Shares between the edges against the normal distribution, within five standard errors; the edge 3.654 is where the
// method goes over to the tail.
TEST(NormalGenerator, draws_the_normal_distribution) {
  const double edges[] = {-INFINITY, -4, -3.654, -3, -2, -1, -0.25, 0, 0.5, 1.5, 2.5, 3.654, 4.2, INFINITY};
  constexpr size_t count = 4'000'000;
  std::vector<double> values = draw(NormalGenerator(1, 2, 3), count);
  auto below = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  for (size_t i = 0; i + 1 < std::size(edges); ++i) {
    size_t inside = 0;
    for (double value : values)
      inside += value >= edges[i] && value < edges[i + 1];
    double share = below(edges[i + 1]) - below(edges[i]);
    double error = std::sqrt(share * (1 - share) / count);
    EXPECT_NEAR(static_cast<double>(inside) / count, share, 5 * error) << edges[i] << " to " << edges[i + 1];
  }
}

TEST(NormalGenerator, same_seed_and_streams_give_the_same_numbers_and_others_others) {
  std::vector<double> values = draw(NormalGenerator(1, 2, 3), 100);
  EXPECT_EQ(draw(NormalGenerator(1, 2, 3), 100), values);
  EXPECT_NE(draw(NormalGenerator(0, 2, 3), 100), values);
  EXPECT_NE(draw(NormalGenerator(1, 0, 3), 100), values);
  EXPECT_NE(draw(NormalGenerator(1, 2, 0), 100), values);
  EXPECT_NE(draw(NormalGenerator(1, 3, 2), 100), values);
}

TEST(NormalGenerator, streams_are_not_correlated) {
  constexpr size_t count = 100'000;
  std::vector<double> a = draw(NormalGenerator(7, 0, 0), count), b = draw(NormalGenerator(7, 0, 1), count);
  double product = 0;
  for (size_t i = 0; i < count; ++i)
    product += a[i] * b[i];
  EXPECT_LT(std::fabs(product / count), 5 / std::sqrt(static_cast<double>(count)));
}

} // namespace
