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

TEST(TryParallelFor, ends_with_the_first_error_and_begins_no_piece_after_it) {
  std::vector<size_t> begun, finished;
  quipu::Expected<void> result = quipu::tryParallelFor(
      100,
      [&](size_t i) -> quipu::Expected<void> {
        begun.push_back(i);
        if (i == 3)
          return quipu::makeError("piece {} is at fault", i);
        return {};
      },
      1, [&](size_t i) { finished.push_back(i); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "piece 3 is at fault");
  EXPECT_EQ(begun, (std::vector<size_t>{0, 1, 2, 3}));
  EXPECT_EQ(finished, (std::vector<size_t>{0, 1, 2}));
}

TEST(TryParallelFor, counts_finished_pieces_one_at_a_time) {
  size_t finished = 0; // not atomic
  ASSERT_TRUE(
      quipu::tryParallelFor(1000, [](size_t) { return quipu::Expected<void>(); }, 8, [&](size_t) { ++finished; }));
  EXPECT_EQ(finished, 1000u);
}

} // namespace
