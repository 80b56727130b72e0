// Every row of the kernel table, for every chip this machine can run, with one, two and three workers and what numbers
// else a row asks for.
#include "test/Conformance/Cpu/KernelHarness.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace quipu::cpu::conformance {
namespace {

std::string testName(const std::string &chip, const std::string &row) {
  std::string name = chip + "_" + row;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// A chip's rows; chips differ in values, not in names.
const std::vector<KernelRow> &table(const Chip &chip) {
  static std::map<std::string, std::vector<KernelRow>> tables;
  auto entry = tables.find(chip.name);
  return entry != tables.end() ? entry->second : tables[chip.name] = kernelTable(chip);
}

// The rows that a filter of tests leaves; `name` is that of the chip in the tests.
std::vector<KernelRow> rowsToRun(const std::string &name, const Chip &chip) {
  std::vector<KernelRow> rows;
  const testing::UnitTest &all = *testing::UnitTest::GetInstance();
  std::set<std::string> running;
  for (int suite = 0; suite < all.total_test_suite_count(); ++suite)
    for (int test = 0; test < all.GetTestSuite(suite)->total_test_count(); ++test)
      if (const testing::TestInfo &info = *all.GetTestSuite(suite)->GetTestInfo(test); info.should_run())
        running.insert(std::string(info.name()));
  for (const KernelRow &row : table(chip))
    if (running.count("AgreesWithTheObviousComputation/" + testName(name, row.name)))
      rows.push_back(row);
  return rows;
}

// Compiled once for each chip, when the first test asks.
Expected<std::shared_ptr<KernelLibrary>> library(const std::string &name, const Chip &chip) {
  static std::map<std::string, Expected<std::shared_ptr<KernelLibrary>>> libraries;
  auto entry = libraries.find(name);
  if (entry == libraries.end())
    entry = libraries.emplace(name, KernelLibrary::compile(rowsToRun(name, chip), chip)).first;
  return entry->second;
}

void check(const KernelLibrary &kernels, const KernelRow &row) {
  for (int64_t size : row.sizes) {
    const Problem problem = row.make(size);
    for (int workers : row.workers) {
      SCOPED_TRACE(fmt::format("{}, size {}, {} workers", row.name, size, workers));
      Problem copy = problem;
      EXPECT_EQ(kernels.run(row, copy, workers), "");
      EXPECT_EQ(compare(row, copy), "");
    }
  }
}

class KernelConformance : public testing::TestWithParam<std::tuple<std::string, size_t>> {};

TEST_P(KernelConformance, AgreesWithTheObviousComputation) {
  auto [chipName, index] = GetParam();
  auto chip = findChip(chipName);
  ASSERT_TRUE(chip) << chip.error().message;
  if (!hostRuns(*chip))
    GTEST_SKIP() << "this CPU lacks features of " << chipName;
  auto kernels = library(chipName, *chip);
  ASSERT_TRUE(kernels) << kernels.error().message;
  check(**kernels, table(*chip)[index]);
}

class TuningConformance : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(TuningConformance, EveryCandidateAgreesWithTheObviousComputation) {
  auto [chipName, storage] = GetParam();
  auto chip = findChip(chipName);
  ASSERT_TRUE(chip) << chip.error().message;
  if (!hostRuns(*chip))
    GTEST_SKIP() << "this CPU lacks features of " << chipName;
  std::vector<KernelRow> rows = tuningRows(*chip, storage);
  auto kernels = KernelLibrary::compile(rows, *chip);
  ASSERT_TRUE(kernels) << kernels.error().message;
  for (const KernelRow &row : rows)
    check(**kernels, row);
}

std::string tuningName(const testing::TestParamInfo<std::tuple<std::string, std::string>> &info) {
  std::string name = std::get<0>(info.param) + "_" + std::get<1>(info.param);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cpu, TuningConformance,
                         testing::Combine(testing::Values("x86-64-v3", "cpu"),
                                          testing::Values("f32", "f16", "bf16", "q8_0", "q4_0", "q4_k", "q6_k",
                                                          "iq4_nl", "i8_g64", "i4_g128z", "q4_1", "q5_0", "q5_1",
                                                          "q5_k", "q2_k", "q3_k", "iq4_xs", "mxfp4")),
                         tuningName);

const std::vector<KernelRow> &names() {
  static const std::vector<KernelRow> rows = kernelTable(*findChip("x86-64-v3"));
  return rows;
}

std::string rowName(const testing::TestParamInfo<std::tuple<std::string, size_t>> &info) {
  return testName(std::get<0>(info.param), names()[std::get<1>(info.param)].name);
}

INSTANTIATE_TEST_SUITE_P(Cpu, KernelConformance,
                         testing::Combine(testing::Values("x86-64-v3", "x86-64-v4", "cpu"),
                                          testing::Range(size_t(0), names().size())),
                         rowName);

} // namespace
} // namespace quipu::cpu::conformance
