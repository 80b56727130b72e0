#include "runtime/Support/ParallelFor.h"

#include <atomic>
#include <gtest/gtest.h>
#include <vector>

using quipu::parallelFor;

namespace {

TEST(ParallelFor, does_each_piece_once) {
  for (unsigned threads : {0u, 1u, 3u, 8u})
    for (size_t count : {0u, 1u, 2u, 1000u}) {
      std::vector<std::atomic<int>> done(count);
      parallelFor(count, [&](size_t i) { ++done[i]; }, threads);
      for (size_t i = 0; i < count; ++i)
        EXPECT_EQ(done[i], 1) << "piece " << i << " of " << count << " on " << threads << " threads";
    }
}

// Each of two pieces waits for the other: this ends only if they run at the same time.
TEST(ParallelFor, runs_pieces_at_the_same_time) {
  std::atomic<int> started{0};
  parallelFor(
      2,
      [&](size_t) {
        ++started;
        while (started < 2) {
        }
      },
      2);
  EXPECT_EQ(started, 2);
}

} // namespace
