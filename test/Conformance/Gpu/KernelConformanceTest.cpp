// Every row of the kernel table of every chip, as the Simt device runs them: on the step's own grid, and on a larger
// one. What is the same for chips is run once.
#include "compiler/Target/Cuda/Chips.h"
#include "compiler/Target/Hip/Chips.h"
#include "test/Conformance/Gpu/DistinctRows.h"
#include "test/Conformance/Gpu/KernelHarness.h"

#include <gtest/gtest.h>
#include <set>

namespace quipu::gpu::conformance {
namespace {

const std::vector<KernelRow> &table(const std::string &chip) {
  static std::map<std::string, std::vector<KernelRow>> tables;
  auto entry = tables.find(chip);
  return entry != tables.end() ? entry->second : tables[chip] = kernelTable(chipNamed(chip));
}

struct Case : ChipRow {
  friend void PrintTo(const Case &c, std::ostream *out) { *out << c.chip << " " << table(c.chip)[c.row].name; }
};

// Of two chips with the same row the first has it: those of each family that differ most come first.
const std::vector<std::string> &chips() {
  static const auto &list =
      *new std::vector<std::string>{"sm_80", "sm_90a", "gfx942",  "gfx1100", "gfx1201", "gfx950",  "gfx1030",
                                    "sm_86", "sm_89",  "sm_100a", "sm_120a", "gfx90a",  "gfx1151", "gfx1200"};
  return list;
}

std::string noRows; // why there are none

const std::vector<Case> &cases() {
  static const auto &all = *new std::vector<Case>([] {
    std::vector<Case> list;
    if (auto rows = distinctRows(chips()))
      for (ChipRow &row : *rows)
        list.push_back({std::move(row)});
    else
      noRows = rows.error().message;
    return list;
  }());
  return all;
}

TEST(GpuKernelTables, HaveRowsForEveryChip) {
  EXPECT_EQ(noRows, "");
  std::set<std::string> named(chips().begin(), chips().end()), known;
  for (const auto *list : {&cuda::chips(), &hip::chips()})
    for (const Chip &chip : *list)
      known.insert(chip.name);
  EXPECT_EQ(named, known);
}

// The rows that this run of the program is about, compiled once for each chip when the first test asks.
Expected<std::shared_ptr<KernelLibrary>> library(const std::string &chip) {
  static std::map<std::string, Expected<std::shared_ptr<KernelLibrary>>> libraries;
  auto entry = libraries.find(chip);
  if (entry != libraries.end())
    return entry->second;
  const testing::TestSuite &suite = *testing::UnitTest::GetInstance()->current_test_suite();
  const std::vector<Case> &all = cases();
  std::vector<KernelRow> rows;
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].chip == chip && suite.GetTestInfo(int(i))->should_run())
      rows.push_back(table(chip)[all[i].row]);
  return libraries.emplace(chip, KernelLibrary::compile(rows, chipNamed(chip))).first->second;
}

class GpuKernelConformance : public testing::TestWithParam<Case> {};

TEST_P(GpuKernelConformance, AgreesWithTheObviousComputation) {
  auto kernels = library(GetParam().chip);
  ASSERT_TRUE(kernels) << kernels.error().message;
  const KernelRow &row = table(GetParam().chip)[GetParam().row];
  for (int64_t size : row.sizes) {
    const Problem problem = row.make(size);
    std::vector<Operand> first;
    for (int64_t slack : {0, 3}) {
      SCOPED_TRACE(fmt::format("size {}, grid for {} more", size, slack));
      Problem copy = problem;
      ASSERT_EQ((*kernels)->run(row, copy, slack), "");
      EXPECT_EQ(compare(row, copy), "");
      // Blocks run beside one another and in no order: the bits must not depend on it.
      if (first.empty())
        first = copy.operands;
      for (size_t i = 0; i < first.size(); ++i)
        EXPECT_TRUE(first[i].bytes == copy.operands[i].bytes) << "operand " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Simt, GpuKernelConformance, testing::ValuesIn(cases()), [](const auto &info) {
  return info.param.chip + "_" + table(info.param.chip)[info.param.row].name;
});

} // namespace
} // namespace quipu::gpu::conformance
