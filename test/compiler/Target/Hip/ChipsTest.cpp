#include "compiler/Target/Hip/Chips.h"

#include <gtest/gtest.h>

namespace quipu::hip {
namespace {

TEST(HipChips, are_found_by_name) {
  for (const gpu::Chip &chip : chips()) {
    Expected<gpu::Chip> found = findChip(chip.name);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, chip.name);
  }
}

TEST(HipChips, waves_are_64_wide_on_cdna_alone) {
  for (const gpu::Chip &chip : chips())
    EXPECT_EQ(chip.waveWidth, chip.name.substr(0, 4) == "gfx9" ? 64 : 32) << chip.name;
}

TEST(HipChips, an_unknown_name_lists_the_known_ones) {
  for (const char *name : {"", "gfx9", "gfx906", "sm_90a"}) {
    Expected<gpu::Chip> found = findChip(name);
    ASSERT_FALSE(found) << name;
    EXPECT_NE(found.error().message.find("gfx90a, gfx942, gfx950, gfx1030, gfx1100, gfx1151, gfx1200, gfx1201"),
              std::string::npos)
        << found.error().message;
  }
}

} // namespace
} // namespace quipu::hip
