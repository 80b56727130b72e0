#include "compiler/Target/Cpu/CpuTimer.h"

#include "compiler/Codegen/Cpu/CpuKernelChoice.h"

#include <gtest/gtest.h>

namespace quipu::cpu {
namespace {

class CpuTimerTest : public testing::Test {
protected:
  void SetUp() override {
    Expected<Chip> host = findChip("cpu");
    if (!host)
      GTEST_SKIP() << host.error().message;
    chip = *host;
  }
  Chip chip;
};

TEST_F(CpuTimerTest, runs_every_variant_and_its_alternatives) {
  auto timer = createTimer(chip, 2);
  ASSERT_TRUE(timer) << timer.error().message;
  CpuKernelChoice choice(chip);
  for (const char *storage : {"bf16", "q4_k", "f32"}) {
    MatmulShape shape;
    shape.n = 100;
    shape.k = 512;
    shape.storage = storage;
    shape.activation = "silu";
    shape.gated = shape.bias = shape.residual = true;
    shape.norm = NormShape{1e-5};
    for (const VariantChoice &variant : choice.matmul(shape).variants) {
      int64_t rows = variant.maxValue == VariantChoice::any ? 50 : variant.maxValue;
      std::vector<KernelStages> candidates = choice.alternatives(variant.stages, rows);
      candidates.insert(candidates.begin(), variant.stages);
      auto trial = (*timer)->prepare(candidates, rows);
      ASSERT_TRUE(trial) << trial.error().message;
      for (size_t candidate = 0; candidate < candidates.size(); ++candidate) {
        EXPECT_GT((*trial)->run(candidate), 0);
        EXPECT_LT((*trial)->run(candidate), 10);
      }
    }
  }
}

TEST_F(CpuTimerTest, conditions_name_chip_threads_and_code_generator) {
  auto one = createTimer(chip, 1), two = createTimer(chip, 2);
  ASSERT_TRUE(one && two);
  EXPECT_EQ((*one)->conditions().rfind(chip.print(), 0), 0u);
  EXPECT_NE((*one)->conditions(), (*two)->conditions());
  EXPECT_NE((*one)->conditions().find("codegen"), std::string::npos);
}

TEST_F(CpuTimerTest, another_chip_is_refused) {
  auto timer = createTimer(*findChip(chip.name == "haswell" ? "znver1" : "haswell"), 1);
  ASSERT_FALSE(timer);
  EXPECT_NE(timer.error().message.find(chip.name), std::string::npos) << timer.error().message;
}

TEST_F(CpuTimerTest, what_is_no_matmul_is_refused_by_name) {
  auto timer = createTimer(chip, 1);
  ASSERT_TRUE(timer);
  auto trial = (*timer)->prepare({{{"largest", "select_rows", {{"n", int64_t(8)}}}}}, 1);
  ASSERT_FALSE(trial);
  EXPECT_NE(trial.error().message.find("@largest"), std::string::npos) << trial.error().message;
}

} // namespace
} // namespace quipu::cpu
