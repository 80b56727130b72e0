// What the engine makes of a sequence's parameters: their checks, and rows of a step.
#include "runtime/Engine/Sampling.h"

#include <cmath>
#include <gtest/gtest.h>
#include <set>

using namespace quipu;

namespace {

TEST(SamplingTest, a_row_has_the_parameters_and_a_key_of_seed_and_count) {
  SamplingParams params;
  params.temperature = 0.5f;
  params.topK = 4;
  params.topP = 0.75f;
  params.minP = 0.25f;
  params.repetitionPenalty = 2;
  RowSampling row = rowSampling(params, 0);
  EXPECT_EQ(row.temperature, 0.5f);
  EXPECT_EQ(row.topK, 4u);
  EXPECT_EQ(row.topP, 0.75f);
  EXPECT_EQ(row.minP, 0.25f);
  EXPECT_EQ(row.repetitionPenalty, 2.0f);
  std::set<uint64_t> bits;
  for (uint64_t seed = 0; seed < 8; ++seed)
    for (uint64_t drawn = 0; drawn < 8; ++drawn) {
      params.seed = seed;
      EXPECT_EQ(rowSampling(params, drawn).key, rowSampling(params, drawn).key);
      for (uint64_t token = 0; token < 8; ++token) // no noise comes again: not in the next draw, nor for the next seed
        bits.insert(noiseBits(rowSampling(params, drawn).key, token));
    }
  EXPECT_EQ(bits.size(), 8u * 8 * 8);
}

TEST(SamplingTest, a_temperature_that_cannot_be_divided_by_is_raised) {
  SamplingParams params;
  EXPECT_EQ(rowSampling(params, 0).temperature, 0);
  params.temperature = 1e-39f;
  EXPECT_TRUE(checkSampling(params));
  EXPECT_EQ(rowSampling(params, 0).temperature, 0x1p-126f);
}

TEST(SamplingTest, parameters_out_of_range_are_named) {
  auto messageOf = [](auto member, auto value) {
    SamplingParams params;
    params.*member = value;
    Expected<void> result = checkSampling(params);
    return result ? "" : result.error().message;
  };
  EXPECT_EQ(messageOf(&SamplingParams::temperature, -1.0f), "temperature -1 must be 0 or more");
  EXPECT_EQ(messageOf(&SamplingParams::temperature, float(NAN)), "temperature nan must be 0 or more");
  EXPECT_EQ(messageOf(&SamplingParams::topP, 1.5f), "top-p 1.5 must be above 0 and at most 1");
  EXPECT_EQ(messageOf(&SamplingParams::minP, -0.1f), "min-p -0.1 must be from 0 to 1");
  EXPECT_EQ(messageOf(&SamplingParams::repetitionPenalty, 0.0f), "repetition penalty 0 must be above 0");
  EXPECT_EQ(messageOf(&SamplingParams::seed, uint64_t(3)), "");
}

} // namespace
