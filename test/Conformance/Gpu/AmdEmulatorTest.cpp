// Every row of the kernel table as machine code of AMD chips, once each. Skipped where $TINYGRAD_DIR names no emulator.
#include "test/Conformance/Gpu/AmdEmulator.h"

#include <gtest/gtest.h>

namespace quipu::gpu::conformance {
namespace {

struct Case {
  std::string chip;
  KernelRow row;
};

const std::vector<Case> &cases() {
  static const auto &all = *new std::vector<Case>([] {
    std::vector<Case> list;
    for (const char *chip : {"gfx942", "gfx1100", "gfx1201"})
      for (const KernelRow &row : kernelTable(chipNamed(chip)))
        list.push_back({chip, row});
    return list;
  }());
  return all;
}

// The rows that this run of the program is about, emulated together when the first of a chip is asked for: the emulator
// translates each distinct instruction once.
const Expected<std::map<std::string, EmulatedRow>> &emulated(const std::string &chip) {
  static std::map<std::string, Expected<std::map<std::string, EmulatedRow>>> chips;
  auto entry = chips.find(chip);
  if (entry != chips.end())
    return entry->second;
  const testing::TestSuite &suite = *testing::UnitTest::GetInstance()->current_test_suite();
  std::vector<KernelRow> rows;
  for (int i = 0; i < suite.total_test_count(); ++i)
    if (suite.GetTestInfo(i)->should_run() && cases()[size_t(i)].chip == chip)
      rows.push_back(cases()[size_t(i)].row);
  return chips.emplace(chip, emulate(rows, chipNamed(chip))).first->second;
}

class AmdEmulator : public testing::TestWithParam<size_t> {};

TEST_P(AmdEmulator, MachineCodeAgreesWithTheObviousComputation) {
  if (!hasAmdEmulator())
    GTEST_SKIP() << "TINYGRAD_DIR is not set: a checkout of tinygrad has the emulator";
  const auto &[chip, row] = cases()[GetParam()];
  const auto &rows = emulated(chip);
  ASSERT_TRUE(rows) << rows.error().message;
  const EmulatedRow &result = rows->at(row.name);
  ASSERT_EQ(result.message, "");
  EXPECT_EQ(compare(row, result.problem), "");
}

INSTANTIATE_TEST_SUITE_P(Chips, AmdEmulator, testing::Range(size_t(0), cases().size()), [](const auto &info) {
  return cases()[info.param].chip + "_" + cases()[info.param].row.name;
});

} // namespace
} // namespace quipu::gpu::conformance
