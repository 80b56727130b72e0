// Every row of the kernel table, for every chip this machine can run, with one, two and three workers and what numbers
// else a row asks for.
#include "test/Conformance/Cpu/KernelHarness.h"

#include <gtest/gtest.h>

namespace quipu::cpu::conformance {
namespace {

// A chip's rows; chips differ in values, not in names.
const std::vector<KernelRow> &table(const Chip &chip) {
  static std::map<std::string, std::vector<KernelRow>> tables;
  auto entry = tables.find(chip.name);
  return entry != tables.end() ? entry->second : tables[chip.name] = kernelTable(chip);
}

// Compiled once for each chip, when the first test asks.
Expected<std::shared_ptr<KernelLibrary>> library(const Chip &chip) {
  static std::map<std::string, Expected<std::shared_ptr<KernelLibrary>>> libraries;
  auto entry = libraries.find(chip.name);
  if (entry == libraries.end())
    entry = libraries.emplace(chip.name, KernelLibrary::compile(table(chip), chip)).first;
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
  auto kernels = library(*chip);
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

std::string testName(const testing::TestParamInfo<std::tuple<std::string, size_t>> &info) {
  std::string name = std::get<0>(info.param) + "_" + names()[std::get<1>(info.param)].name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cpu, KernelConformance,
                         testing::Combine(testing::Values("x86-64-v3", "x86-64-v4", "cpu"),
                                          testing::Range(size_t(0), names().size())),
                         testName);

} // namespace
} // namespace quipu::cpu::conformance
