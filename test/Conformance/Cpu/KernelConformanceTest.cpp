// Every row of the kernel table, for every chip this machine can run, with one, two and three workers.
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

class KernelConformance : public testing::TestWithParam<std::tuple<std::string, size_t>> {};

TEST_P(KernelConformance, AgreesWithTheObviousComputation) {
  auto [chipName, index] = GetParam();
  auto chip = findChip(chipName);
  ASSERT_TRUE(chip) << chip.error().message;
  if (!hostRuns(*chip))
    GTEST_SKIP() << "this CPU lacks features of " << chipName;
  auto kernels = library(*chip);
  ASSERT_TRUE(kernels) << kernels.error().message;
  const KernelRow &row = table(*chip)[index];
  for (int64_t size : row.sizes) {
    const Problem problem = row.make(size);
    for (int workers : {1, 2, 3}) {
      SCOPED_TRACE(fmt::format("size {}, {} workers", size, workers));
      Problem copy = problem;
      EXPECT_EQ((*kernels)->run(row, copy, workers), "");
      EXPECT_EQ(compare(row, copy), "");
    }
  }
}

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
