#include "compiler/Codegen/Cpu/MatmulSchedule.h"

#include "compiler/Codegen/Cpu/CpuKernelChoice.h"

#include <gtest/gtest.h>

namespace quipu::cpu {
namespace {

Chip chipOf(const char *name) {
  Expected<Chip> chip = findChip(name);
  EXPECT_TRUE(chip) << chip.error().message;
  return *chip;
}

MatmulShape downProjection(const char *storage) {
  MatmulShape shape;
  shape.n = 2048;
  shape.k = 8192;
  shape.storage = storage;
  shape.residual = true;
  return shape;
}

std::string printed(const KernelStages &stages) {
  std::string text;
  for (const KernelSpec &spec : stages)
    text += spec.print() + "\n";
  return text;
}

int64_t integer(const KernelSpec &spec, const char *name, int64_t otherwise) {
  auto found = spec.params.find(name);
  return found == spec.params.end() ? otherwise : std::get<int64_t>(found->second);
}

// What the stages compute: nothing a schedule decides.
std::string meaning(const KernelStages &stages) {
  KernelParams params = stages.back().params;
  for (const char *name : {"tile", "packed_input", "prefetch_bytes", "prefetch_level", "k_blocks"})
    params.erase(name);
  if (auto eps = stages.front().params.find("norm_eps"); eps != stages.front().params.end())
    params.insert(*eps);
  return KernelSpec{"", "matmul", params}.print();
}

TEST(MatmulSchedule, alternatives_mean_the_same_and_fit_the_buffers) {
  for (const char *chip : {"x86-64-v3", "x86-64-v4", "znver4"})
    for (const char *storage : {"f32", "f16", "bf16", "q8_0", "q4_0", "q4_k"})
      for (bool norm : {false, true}) {
        MatmulShape shape = downProjection(storage);
        if (norm)
          shape.norm = NormShape{1e-5};
        CpuKernelChoice choice(chipOf(chip));
        MatmulKernels kernels = choice.matmul(shape);
        for (const VariantChoice &variant : kernels.variants) {
          SCOPED_TRACE(printed(variant.stages) + chip);
          int64_t rows = variant.maxValue == VariantChoice::any ? 512 : variant.maxValue;
          std::vector<KernelStages> alternatives = choice.alternatives(variant.stages, rows);
          EXPECT_FALSE(alternatives.empty());
          EXPECT_LE(alternatives.size(), 9u);
          std::set<std::string> seen = {printed(variant.stages)}, symbols = {variant.stages.back().symbol};
          for (const KernelStages &other : alternatives) {
            EXPECT_TRUE(seen.insert(printed(other)).second) << printed(other);
            EXPECT_TRUE(symbols.insert(other.back().symbol).second) << other.back().symbol;
            EXPECT_EQ(meaning(other), meaning(variant.stages));
            if (other.size() == 1)
              continue;
            EXPECT_LE(integer(other.back(), "tile", 0), kernels.packed.tile);
            EXPECT_EQ(integer(other[0], "tile", 0), integer(other[1], "tile", -1));
          }
        }
      }
}

TEST(MatmulSchedule, blocks_of_k_fill_half_of_L2) {
  Chip chip = chipOf("znver4");
  chip.l2Bytes = 1 << 20;
  EXPECT_EQ(MatmulSchedule(PanelLayout(2048, 2048, *findStorageFormat("bf16")), 6, /*packedInput=*/true, chip).kBlocks,
            1);
  EXPECT_EQ(MatmulSchedule(PanelLayout(2048, 8192, *findStorageFormat("bf16")), 6, /*packedInput=*/true, chip).kBlocks,
            2);
  EXPECT_EQ(MatmulSchedule(PanelLayout(2048, 8192, *findStorageFormat("f32")), 6, /*packedInput=*/true, chip).kBlocks,
            4);
  chip.l2Bytes = 1; // a group at a time, though none fits
  EXPECT_EQ(MatmulSchedule(PanelLayout(64, 96, *findStorageFormat("q8_0")), 6, /*packedInput=*/true, chip).kBlocks, 3);
}

TEST(MatmulSchedule, weights_are_asked_for_as_late_as_a_kernel_waits_for_them) {
  Chip chip = chipOf("znver4");
  bool packedInput = false;
  auto prefetch = [&](const char *storage, int64_t tile) {
    return MatmulSchedule(PanelLayout(2048, 2048, *findStorageFormat(storage)), tile, packedInput, chip).prefetch;
  };
  for (int64_t tile : {1, 2, 4, 6}) {
    EXPECT_EQ(prefetch("bf16", tile).level, 2) << tile;
    EXPECT_EQ(prefetch("q8_0", tile).level, tile <= 2 ? 2 : 1) << tile;
  }
  for (const char *storage : {"bf16", "q8_0", "q6_k", "q4_0"}) {
    EXPECT_EQ(prefetch(storage, 8).level, 1) << storage;
    EXPECT_GT(prefetch(storage, 8).fartherToL2, 0) << storage;
  }
  for (const char *storage : {"f32", "f16", "q4_0", "q4_k", "iq4_nl"}) {
    EXPECT_EQ(prefetch(storage, 1).level, 2) << storage;
    EXPECT_EQ(prefetch(storage, 4).level, 1) << storage;
  }
  packedInput = true;
  EXPECT_EQ(prefetch("bf16", 6).level, 1);
  packedInput = false;
  chip = chipOf("x86-64-v4"); // has to take bf16 apart
  EXPECT_EQ(prefetch("bf16", 4).level, 1);
}

TEST(MatmulSchedule, blocks_of_k_that_never_leave_L2_are_not_tried) {
  CpuKernelChoice choice(chipOf("znver4"));
  MatmulShape shape = downProjection("bf16");
  auto hasBlocks = [&] {
    for (const KernelStages &other :
         choice.alternatives(packedMatmul(shape, packedTile(*findStorageFormat("bf16"), chipOf("znver4")), 1), 512))
      if (other.back().params.count("k_blocks"))
        return true;
    return false;
  };
  EXPECT_TRUE(hasBlocks());
  shape.k = 512;
  EXPECT_FALSE(hasBlocks());
}

TEST(MatmulSchedule, other_kernels_have_no_alternatives) {
  CpuKernelChoice choice(chipOf("znver4"));
  EXPECT_TRUE(choice.alternatives({{"a", "sample", {{"n", int64_t(8)}}}}, 1).empty());
  EXPECT_TRUE(choice.alternatives({{"m", "matmul", {}}}, 1).empty());
}

} // namespace
} // namespace quipu::cpu
