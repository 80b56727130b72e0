#include "compiler/Tuning/Tuner.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace quipu {
namespace {

namespace fs = std::filesystem;

// A target whose candidate i takes times[i] seconds.
class FakeTimer : public CandidateTimer {
public:
  explicit FakeTimer(std::vector<double> times) : times(std::move(times)) {}

  std::string conditions() const override { return machine; }
  Expected<std::unique_ptr<Trial>> prepare(const std::vector<KernelStages> &candidates, int64_t rows) override {
    ++prepared;
    EXPECT_EQ(candidates.size(), times.size());
    if (!error.empty())
      return makeError("{}", error);
    return std::make_unique<FakeTrial>(times);
  }

  std::vector<double> times;
  std::string machine = "a machine", error;
  size_t prepared = 0;

private:
  struct FakeTrial : Trial {
    explicit FakeTrial(const std::vector<double> &times) : times(times) {}
    double run(size_t candidate) override { return times[candidate]; }
    const std::vector<double> &times;
  };
};

KernelStages candidate(int64_t tile) {
  return {{"pack_t" + std::to_string(tile), "pack_input", {{"tile", tile}}},
          {"matmul_t" + std::to_string(tile), "matmul", {{"tile", tile}}}};
}

class TunerTest : public testing::Test {
protected:
  TunerTest()
      : folder(fs::temp_directory_path() / ("tuner-test-" + std::to_string(getpid()))),
        findings(folder.string(), "tuning") {
    fs::remove_all(folder);
  }
  ~TunerTest() override { fs::remove_all(folder); }

  TunedChoice choose(int64_t rows = 8) {
    Expected<TunedChoice> choice = Tuner(timer, findings).choose(candidates, rows);
    EXPECT_TRUE(choice) << choice.error().message;
    return choice.value_or(TunedChoice{99, 0, false});
  }
  std::vector<fs::path> entries() const {
    std::vector<fs::path> files;
    for (const auto &entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file())
        files.push_back(entry.path());
    return files;
  }

  fs::path folder;
  CompileCache findings;
  FakeTimer timer{{1e-3, 2e-3, 0.5e-3}};
  std::vector<KernelStages> candidates = {candidate(6), candidate(4), candidate(8)};
};

TEST_F(TunerTest, what_was_found_is_not_measured_again) {
  TunedChoice first = choose(), second = choose();
  EXPECT_EQ(first.candidate, 2u);
  EXPECT_TRUE(first.measured);
  EXPECT_EQ(second.candidate, 2u);
  EXPECT_FALSE(second.measured);
  EXPECT_EQ(second.gain, first.gain);
  EXPECT_EQ(timer.prepared, 1u);
}

TEST_F(TunerTest, that_nothing_is_faster_is_a_finding_too) {
  timer.times = {1e-3, 1e-3, 1e-3};
  EXPECT_EQ(choose().candidate, 0u);
  EXPECT_FALSE(choose().measured);
}

TEST_F(TunerTest, a_finding_holds_for_its_machine_rows_and_candidates) {
  choose();
  EXPECT_TRUE(choose(/*rows=*/4).measured);
  timer.machine = "another machine";
  EXPECT_TRUE(choose().measured);
  candidates[1] = candidate(2);
  EXPECT_TRUE(choose().measured);
  EXPECT_EQ(entries().size(), 4u);
}

TEST_F(TunerTest, symbols_are_no_part_of_a_finding) {
  choose();
  for (KernelStages &stages : candidates)
    for (KernelSpec &spec : stages)
      spec.symbol += "_of_another_model";
  EXPECT_FALSE(choose().measured);
}

TEST_F(TunerTest, a_damaged_finding_is_measured_again) {
  choose();
  ASSERT_EQ(entries().size(), 1u);
  for (uintmax_t size : {uintmax_t(40), uintmax_t(3), uintmax_t(0)}) {
    fs::resize_file(entries().front(), size);
    EXPECT_TRUE(choose().measured) << size;
    EXPECT_FALSE(choose().measured) << size;
  }
  std::fstream file(entries().front(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-1, std::ios::end);
  file.put('!');
  file.close();
  EXPECT_TRUE(choose().measured);
}

// Whole as a file, but not what a finding says: as if another program had put it there.
TEST_F(TunerTest, a_finding_of_no_candidate_is_measured_again) {
  choose();
  std::string key = entries().front().filename().string();
  for (const char *text : {"", "0x1p-3", "0x1p-3\n", "0x1p-3\nmatmul {tile = 3}", "nan\n", "\n\n"}) {
    findings.put(key, text);
    TunedChoice again = choose();
    EXPECT_TRUE(again.measured) << text;
    EXPECT_EQ(again.candidate, 2u);
  }
}

TEST_F(TunerTest, without_a_cache_it_measures_each_time) {
  CompileCache none("", "tuning");
  for (size_t time = 1; time <= 2; ++time) {
    EXPECT_EQ(Tuner(timer, none).choose(candidates, 8)->candidate, 2u);
    EXPECT_EQ(timer.prepared, time);
  }
}

TEST_F(TunerTest, an_error_of_the_timer_is_the_result) {
  timer.error = "no memory";
  Expected<TunedChoice> choice = Tuner(timer, findings).choose(candidates, 8);
  ASSERT_FALSE(choice);
  EXPECT_EQ(choice.error().message, "no memory");
  EXPECT_FALSE(fs::exists(folder));
}

} // namespace
} // namespace quipu
