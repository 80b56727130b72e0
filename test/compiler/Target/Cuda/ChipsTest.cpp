#include "compiler/Target/Cuda/Chips.h"

#include <gtest/gtest.h>

namespace quipu::cuda {
namespace {

TEST(CudaChips, are_found_by_name) {
  for (const gpu::Chip &chip : chips()) {
    Expected<gpu::Chip> found = findChip(chip.name);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, chip.name);
    EXPECT_EQ(found->waveWidth, 32);
    EXPECT_EQ(found->sharedPerUnit - found->sharedPerBlock, 1024);
  }
}

TEST(CudaChips, hopper_alone_has_wgmma) {
  for (const gpu::Chip &chip : chips())
    EXPECT_EQ(chip.matrix == gpu::Matrix::Wgmma, chip.name == "sm_90a") << chip.name;
}

TEST(CudaChips, an_unknown_name_lists_the_known_ones) {
  for (const char *name : {"", "sm_9", "sm_90", "gfx942", "SM_80"}) {
    Expected<gpu::Chip> found = findChip(name);
    ASSERT_FALSE(found) << name;
    EXPECT_NE(found.error().message.find("sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_120a"), std::string::npos)
        << found.error().message;
  }
}

} // namespace
} // namespace quipu::cuda
