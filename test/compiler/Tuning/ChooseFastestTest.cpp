#include "compiler/Tuning/ChooseFastest.h"

#include <gtest/gtest.h>
#include <vector>

namespace quipu {
namespace {

// A machine on which candidate i takes times[i], and every run is counted.
struct Machine {
  std::vector<double> times;
  std::vector<size_t> runs = std::vector<size_t>(times.size());
  std::function<double(double time, size_t run)> disturb = [](double time, size_t) { return time; };

  FastestChoice choose() {
    size_t run = 0;
    return chooseFastest(times.size(), [&](size_t candidate) {
      ++runs[candidate];
      return disturb(times[candidate], run++);
    });
  }
};

TEST(ChooseFastest, the_fastest_wins_by_its_gain) {
  Machine machine{{1e-3, 0.9e-3, 0.8e-3, 1.2e-3}};
  FastestChoice choice = machine.choose();
  EXPECT_EQ(choice.candidate, 2u);
  EXPECT_NEAR(choice.gain, 0.2, 1e-9);
}

TEST(ChooseFastest, a_tie_keeps_the_first) { EXPECT_EQ((Machine{{1e-3, 1e-3, 1e-3}}.choose().candidate), 0u); }

TEST(ChooseFastest, a_gain_within_the_noise_keeps_the_first) {
  EXPECT_EQ((Machine{{1e-3, 0.981e-3}}.choose().candidate), 0u);
  EXPECT_EQ((Machine{{1e-3, 0.979e-3}}.choose().candidate), 1u);
}

TEST(ChooseFastest, one_candidate_is_not_run) {
  Machine machine{{1e-3}};
  EXPECT_EQ(machine.choose().candidate, 0u);
  EXPECT_EQ(machine.runs[0], 0u);
}

TEST(ChooseFastest, a_few_bad_runs_do_not_count) {
  Machine machine{{1e-3, 0.9e-3}};
  machine.disturb = [](double time, size_t run) { return run % 5 == 2 ? time * 20 : time; };
  EXPECT_EQ(machine.choose().candidate, 1u);
}

TEST(ChooseFastest, a_machine_that_slows_down_does_not_count) {
  Machine machine{{1e-3, 1e-3, 1e-3}};
  machine.disturb = [](double time, size_t run) { return time * (1 + 0.1 * double(run)); };
  EXPECT_EQ(machine.choose().candidate, 0u);
  machine = {{1e-3, 0.5e-3, 1e-3}, {0, 0, 0}, machine.disturb};
  EXPECT_EQ(machine.choose().candidate, 1u);
}

TEST(ChooseFastest, luck_must_show_itself_twice) {
  // Candidate 1 is fast only while there are rounds of all three.
  size_t run = 0;
  FastestChoice choice = chooseFastest(3, [&](size_t candidate) {
    bool early = run++ < 3 * 16;
    return candidate == 1 && early ? 0.5e-3 : 1e-3;
  });
  EXPECT_EQ(choice.candidate, 0u);
}

TEST(ChooseFastest, slow_candidates_take_few_rounds) {
  Machine machine{{1.0, 0.5}};
  EXPECT_EQ(machine.choose().candidate, 1u);
  EXPECT_EQ(machine.runs[0], 7u); // once to warm up, three rounds twice
}

TEST(ChooseFastest, a_clock_that_stands_still_keeps_the_first) {
  EXPECT_EQ((Machine{{0, 0, 0}}.choose().candidate), 0u);
}

} // namespace
} // namespace quipu
