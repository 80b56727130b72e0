#include "compiler/Codegen/Gpu/GpuKernelChoice.h"
#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/WarpgroupTile.h"
#include "compiler/Target/Cuda/Chips.h"
#include "compiler/Target/Hip/Chips.h"

#include <gtest/gtest.h>

namespace quipu::gpu {

static void PrintTo(const PackedTile &tile, std::ostream *out) {
  *out << tile.tokens << "x" << tile.columns << " in " << tile.splits;
}

namespace {

Chip h100() { return *cuda::findChip("sm_90a"); }

PackedTile choose(int64_t n, int64_t tokens, bool gated = false) {
  return choosePackedTile(TileLayout{n, 4096, 2, gated}, "bf16", tokens, h100());
}

TEST(WarpgroupTile, every_tile_fits_a_block_and_has_slots_to_fill_ahead) {
  for (bool gated : {false, true})
    for (const WarpgroupTile &tile : warpgroupTiles(gated)) {
      EXPECT_LE(tile.sharedBytes(h100()), h100().sharedPerBlock);
      EXPECT_LE(tile.residentBlocks() * (tile.sharedBytes(h100()) + 1024), h100().sharedPerUnit);
      EXPECT_GE(tile.stages(h100()), 4);
      EXPECT_TRUE(!gated || tile.columns >= 64);
    }
}

TEST(PackedTile, many_tokens_take_the_largest) {
  for (int64_t n : {4096, 6144, 28672})
    EXPECT_EQ(choose(n, 2048), (PackedTile{128, 256, 1}));
  EXPECT_EQ(choose(14336, 2048, true), (PackedTile{128, 256, 1}));
}

TEST(PackedTile, few_tokens_take_tiles_of_no_more) {
  EXPECT_EQ(choose(8192, 64, true).tokens, 64);
  EXPECT_LT(choose(8192, 64, true).columns, 256);
}

// "matmul_bf16_n4096_k4096_packed_t128x256"
std::string symbolFor(const MatmulKernels &kernels, uint32_t tokens) {
  for (const VariantChoice &variant : kernels.variants)
    if (tokens <= variant.maxValue)
      return variant.stages.back().symbol;
  return "";
}

TEST(GpuKernelChoice, warpgroups_multiply_16_bit_weights_of_a_chip_that_has_them) {
  MatmulShape shape;
  shape.n = shape.k = 4096;
  shape.storage = "bf16";
  MatmulKernels kernels = GpuKernelChoice(h100()).matmul(shape);
  EXPECT_EQ(symbolFor(kernels, 8), "matmul_bf16_n4096_k4096_t8");
  EXPECT_EQ(symbolFor(kernels, 9), "matmul_bf16_n4096_k4096_packed_t64x64_s2");
  EXPECT_EQ(symbolFor(kernels, 5000), "matmul_bf16_n4096_k4096_packed_t128x256");
  EXPECT_EQ(kernels.variants.back().maxValue, uint32_t(VariantChoice::any));

  EXPECT_EQ(symbolFor(GpuKernelChoice(*cuda::findChip("sm_80")).matmul(shape), 5000),
            "matmul_bf16_n4096_k4096_packed_t128");
  shape.storage = "f32";
  EXPECT_EQ(symbolFor(GpuKernelChoice(h100()).matmul(shape), 5000), "matmul_f32_n4096_k4096_packed_t64");
}

std::vector<Chip> everyChip() {
  std::vector<Chip> chips = cuda::chips();
  chips.insert(chips.end(), hip::chips().begin(), hip::chips().end());
  return chips;
}

// Whatever the sizes, the kernels of a matmul are ones that the chip can start.
TEST(GpuKernelChoice, blocks_of_every_matmul_fit_the_chip) {
  for (const Chip &chip : everyChip())
    for (const char *storage : {"bf16", "f16", "f32"})
      for (int64_t n : {2, 96, 1024, 4096, 14336, 128256})
        for (int64_t k : {1, 33, 64, 2048, 4096, 14336}) {
          MatmulShape shape;
          shape.n = n, shape.k = k, shape.storage = storage, shape.norm = NormShape{1e-5};
          for (bool gated : {false, true}) {
            shape.gated = gated;
            shape.activation = gated ? "silu" : "";
            for (const VariantChoice &variant : GpuKernelChoice(chip).matmul(shape).variants)
              for (const KernelSpec &spec : variant.stages) {
                SCOPED_TRACE(chip.name + " " + spec.print());
                auto kernel = generate(spec, chip);
                ASSERT_TRUE(kernel) << kernel.error().message;
                const LaunchGeometry &launch = kernel->launch;
                EXPECT_LE(launch.sharedBytes, chip.sharedPerBlock);
                EXPECT_LE(launch.threads, 1024);
                EXPECT_EQ(launch.threads % chip.waveWidth, 0);
                EXPECT_LE(std::max(launch.y.times, launch.z.times), 65535);
              }
          }
        }
}

// Blocks of a launch of 64 tokens, and that what was chosen can be generated with scratch of a few MiB.
int64_t blocksAt64(const Chip &chip, int64_t n, int64_t k, bool gated) {
  MatmulShape shape;
  shape.n = n, shape.k = k, shape.gated = gated, shape.storage = "bf16";
  for (const VariantChoice &variant : GpuKernelChoice(chip).matmul(shape).variants) {
    if (variant.maxValue < 64)
      continue;
    auto kernel = generate(variant.stages.back(), chip);
    EXPECT_TRUE(kernel) << kernel.error().message;
    EXPECT_LE(kernel->scratchBytes, 24 << 20);
    PackedTile tile = choosePackedTile(TileLayout{n, k, 2, gated}, "bf16", 64, chip);
    int64_t rows = (gated ? 2 : 1) * n, across = tile.columns ? tile.columns : tile.tokens;
    return (rows + across - 1) / across * tile.splits;
  }
  return 0;
}

TEST(GpuKernelChoice, blocks_share_k_where_results_are_too_few_for_the_chip) {
  for (const char *name : {"sm_80", "sm_90a", "gfx942", "gfx950"}) {
    SCOPED_TRACE(name);
    Chip chip = name[0] == 's' ? *cuda::findChip(name) : *hip::findChip(name);
    for (int64_t k : {2048, 8192})
      EXPECT_GE(blocksAt64(chip, 2048, k, false) * 4, chip.computeUnits * 3);
    EXPECT_GE(blocksAt64(chip, 4096, 14336, false) * 4, chip.computeUnits * 3);
    EXPECT_EQ(choosePackedTile(TileLayout{14336, 4096, 2, true}, "bf16", 64, chip).splits, 1);
    EXPECT_EQ(choosePackedTile(TileLayout{2048, 2048, 2, false}, "bf16", 2048, chip).splits, 1);
  }
}

// Scratch and tickets are for the tokens a kernel was made for.
TEST(GpuKernelChoice, blocks_share_k_only_where_the_tokens_are_known) {
  int64_t sharing = 0;
  for (const char *name : {"sm_80", "sm_90a", "gfx942", "gfx950", "gfx1100"}) {
    SCOPED_TRACE(name);
    Chip chip = name[0] == 's' ? *cuda::findChip(name) : *hip::findChip(name);
    for (const char *storage : {"bf16", "f32"})
      for (int64_t n : {64, 256, 1024})
        for (const VariantChoice &variant : [&] {
               MatmulShape shape;
               shape.n = n, shape.k = 4096, shape.storage = storage;
               return GpuKernelChoice(chip).matmul(shape).variants;
             }()) {
          const KernelParams &params = variant.stages.back().params;
          if (!params.count("splits"))
            continue;
          ++sharing;
          EXPECT_LE(variant.maxValue, std::get<int64_t>(params.at("tokens"))) << variant.stages.back().symbol;
        }
  }
  EXPECT_GT(sharing, 0);
}

TEST(GpuKernelChoice, the_more_tokens_the_fewer_splits_of_the_cached_positions) {
  AttentionShape shape;
  shape.heads = 32, shape.kvHeads = 8, shape.dim = 128, shape.elem = "bf16", shape.pageSize = 16;
  std::vector<VariantChoice> variants = GpuKernelChoice(h100()).attention(shape);
  ASSERT_EQ(variants.size(), 4u);
  int64_t last = 65;
  for (size_t i = 0; i < 3; ++i) {
    int64_t splits = std::get<int64_t>(variants[i].stages[0].params.at("splits"));
    EXPECT_LT(splits, last);
    last = splits;
  }
  EXPECT_EQ(variants[0].maxValue, 2u);
  EXPECT_EQ(variants[0].stages[1].symbol, "attention_bf16_h32_kv8_d128_t2_merge");
  EXPECT_EQ(variants[3].maxValue, uint32_t(VariantChoice::any));
}

} // namespace
} // namespace quipu::gpu
