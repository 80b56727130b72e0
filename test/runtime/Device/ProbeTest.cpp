#include "runtime/Device/Cpu/Probe.h"
#include "runtime/Device/Cpu/CpuFeatures.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace quipu::cpu;

namespace {

// Wide bounds: no machine is slower than the lower ones, and none of today's reaches the upper ones with one thread.
TEST(ProbeTest, memory_bandwidth_is_that_of_a_memory) {
  auto probe = ReadProbe::start(1, uint64_t(64) << 20);
  ASSERT_TRUE(probe) << probe.error().message;
  double best = 0; // a sample may fall into a moment in which other programs run
  for (int i = 0; i < 3; ++i) {
    auto sample = (*probe)->sample();
    ASSERT_TRUE(sample) << sample.error().message;
    EXPECT_EQ(sample->bytes, uint64_t(64) << 20);
    best = std::max(best, sample->rate());
  }
  EXPECT_GT(best, 0.2e9);
  EXPECT_LT(best, 1e12);
}

TEST(ProbeTest, compute_peaks_are_there_where_the_instruction_is) {
  std::set<std::string> features = detectFeatures();
  bool avx512 = features.count("avx512f");
  EXPECT_EQ(probeF32Fma(1) > 1e9, avx512 || (features.count("avx2") && features.count("fma")));
  EXPECT_EQ(probeBf16Dot(1) > 1e9, features.count("avx512bf16") == 1);
  EXPECT_EQ(probeInt8Dot(1) > 1e9, features.count("avx512vnni") || features.count("avxvnni"));
  EXPECT_LT(probeF32Fma(1), 1e12);
}

// A dot instruction that is not faster than FMA on f32 would mean that the loop is bound by something else.
TEST(ProbeTest, bf16_dot_does_more_than_fma) {
  if (!detectFeatures().count("avx512bf16"))
    GTEST_SKIP() << "this CPU has no avx512bf16";
  EXPECT_GT(probeBf16Dot(1), 1.2 * probeF32Fma(1));
}

} // namespace
