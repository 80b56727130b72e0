#include "compiler/Target/Cpu/Chip.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace quipu::cpu {
namespace {

TEST(Chip, UnknownNameIsAnErrorThatListsTheKnownOnes) {
  for (const char *name : {"", "pentium4", "x86-64-v2", "znver"}) {
    auto chip = findChip(name);
    ASSERT_FALSE(chip) << name;
    EXPECT_NE(chip.error().message.find("x86-64-v3, x86-64-v4"), std::string::npos) << chip.error().message;
  }
}

TEST(Chip, HostIsOneOfTheTableAndRunsHere) {
  auto host = findChip("cpu");
  if (!host)
    GTEST_SKIP() << host.error().message;
  EXPECT_TRUE(hostRuns(*host));
  auto byName = findChip(host->name);
  ASSERT_TRUE(byName);
  EXPECT_EQ(byName->print(), host->print());
}

TEST(Chip, EveryChipHasWhatItsVectorsNeed) {
  for (const std::string &name : knownChips()) {
    auto chip = findChip(name);
    ASSERT_TRUE(chip) << name;
    auto has = [&](const char *feature) {
      return std::find(chip->features.begin(), chip->features.end(), feature) != chip->features.end();
    };
    EXPECT_TRUE(has("avx2") && has("fma")) << name;
    EXPECT_EQ(chip->lanes == 16, has("avx512f")) << name;
    EXPECT_EQ(chip->vectorRegisters, chip->lanes * 2) << name;
    EXPECT_EQ(chip->hasBf16Dot, has("avx512bf16")) << name;
    EXPECT_TRUE(!chip->hasBf16Dot || chip->lanes == 16) << name;
  }
}

} // namespace
} // namespace quipu::cpu
