// Each operation of the sampler on a distribution that is computed here by its definition.
#include "runtime/Engine/Sampler.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>

using namespace quipu;

namespace {

constexpr int draws = 20000;

// Relative frequency of each token over many draws.
std::map<int32_t, double> frequencies(const SamplingParams &params, const std::vector<float> &logits,
                                      const std::vector<int32_t> &seen = {}, int draws = ::draws) {
  Sampler sampler(params, static_cast<uint32_t>(logits.size()));
  for (int32_t token : seen)
    sampler.accept(token);
  std::map<int32_t, double> counts;
  for (int i = 0; i < draws; ++i)
    counts[sampler.sample(logits.data())] += 1.0 / draws;
  return counts;
}

// The frequencies are those of these weights: within five standard deviations of a binomial count, and nothing else.
void expectDistribution(const std::map<int32_t, double> &frequencies, const std::map<int32_t, double> &weights) {
  double total = 0;
  for (auto [token, weight] : weights)
    total += weight;
  for (auto [token, weight] : weights) {
    double p = weight / total, spread = 5 * std::sqrt(p * (1 - p) / draws) + 1e-9;
    EXPECT_NEAR(frequencies.count(token) ? frequencies.at(token) : 0, p, spread) << "token " << token;
  }
  for (auto [token, frequency] : frequencies)
    EXPECT_TRUE(weights.count(token)) << "token " << token;
}

const std::vector<float> logits = {1.0f, 3.0f, 2.0f, -1.0f, 2.5f};

TEST(SamplerTest, temperature_0_takes_the_largest_and_the_lowest_of_equals) {
  Sampler sampler({}, 4);
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 5, 5, 2}.data()), 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{NAN, -INFINITY, -3, NAN}.data()), 2);
  EXPECT_EQ(sampler.sample(std::vector<float>{NAN, NAN, NAN, NAN}.data()), 0);
  EXPECT_FALSE(sampler.needsLogits());
}

TEST(SamplerTest, draws_from_the_softmax_of_logits_over_temperature) {
  for (float temperature : {0.5f, 1.0f, 3.0f}) {
    SamplingParams params;
    params.temperature = temperature;
    std::map<int32_t, double> weights;
    for (size_t i = 0; i < logits.size(); ++i)
      weights[static_cast<int32_t>(i)] = std::exp(logits[i] / temperature);
    expectDistribution(frequencies(params, logits), weights);
  }
}

// Logits over such a temperature are past the largest float.
TEST(SamplerTest, a_temperature_near_0_draws_the_largest) {
  SamplingParams params;
  params.temperature = 1e-39f;
  expectDistribution(frequencies(params, logits), {{1, 1}});
}

TEST(SamplerTest, top_k_keeps_the_k_largest) {
  SamplingParams params;
  params.temperature = 1;
  params.topK = 2;
  expectDistribution(frequencies(params, logits), {{1, std::exp(3.0)}, {4, std::exp(2.5)}});
  params.topK = 1;
  expectDistribution(frequencies(params, {2, 7, 7, 1}), {{1, 1}});
  params.topK = 100; // more than there are
  EXPECT_EQ(frequencies(params, logits).size(), 5u);
}

TEST(SamplerTest, top_p_keeps_the_fewest_that_reach_p) {
  SamplingParams params;
  params.temperature = 1;
  // probabilities 0.5, 0.3, 0.15, 0.05
  std::vector<float> known;
  for (double p : {0.15, 0.5, 0.05, 0.3})
    known.push_back(static_cast<float>(std::log(p)));
  params.topP = 0.79f;
  expectDistribution(frequencies(params, known), {{1, 0.5}, {3, 0.3}});
  params.topP = 0.81f;
  expectDistribution(frequencies(params, known), {{1, 0.5}, {3, 0.3}, {0, 0.15}});
  params.topP = 0.001f;
  expectDistribution(frequencies(params, known), {{1, 1}});
}

// More than one round of the partial sort: 1000 equal tokens, of which 900 reach 0.9.
TEST(SamplerTest, top_p_of_a_flat_distribution_keeps_the_lowest_ids) {
  SamplingParams params;
  params.temperature = 1;
  params.topP = 0.8995f;
  std::vector<float> flat(1000, 2.0f);
  std::map<int32_t, double> found = frequencies(params, flat, {}, 6000);
  EXPECT_GE(found.size(), 890u); // of 900, over 6000 draws
  EXPECT_LT(found.rbegin()->first, 900);
}

TEST(SamplerTest, min_p_keeps_what_has_that_share_of_the_likeliest) {
  SamplingParams params;
  params.temperature = 1;
  params.minP = 0.5f; // exp(-0.5) = 0.61, exp(-1) = 0.37
  expectDistribution(frequencies(params, logits), {{1, std::exp(3.0)}, {4, std::exp(2.5)}});
}

TEST(SamplerTest, repetition_penalty_divides_positive_logits_and_multiplies_negative_ones_once_a_token) {
  SamplingParams params;
  params.temperature = 1;
  params.repetitionPenalty = 2;
  std::map<int32_t, double> weights = {
      {0, std::exp(1.0)}, {1, std::exp(1.5)}, {2, std::exp(2.0)}, {3, std::exp(-2.0)}, {4, std::exp(2.5)}};
  expectDistribution(frequencies(params, logits, {1, 3, 1, 1}), weights);
  params.temperature = 0;
  Sampler sampler(params, 5);
  EXPECT_TRUE(sampler.needsLogits());
  sampler.accept(1);
  EXPECT_EQ(sampler.sample(logits.data()), 4);
}

// Of the three largest, the likeliest two have 0.82 of the probability at temperature 1 and 0.87 at 0.5: with top-p
// before temperature three would stay; and 0.85 of all five takes three.
TEST(SamplerTest, temperature_comes_before_top_p) {
  SamplingParams params;
  params.temperature = 0.5f;
  params.topK = 3;
  params.topP = 0.85f;
  expectDistribution(frequencies(params, logits), {{1, std::exp(6.0)}, {4, std::exp(5.0)}});
}

TEST(SamplerTest, a_seed_gives_the_same_tokens_and_another_seed_others) {
  std::vector<std::vector<int32_t>> texts;
  for (uint64_t seed : {7, 7, 8}) {
    SamplingParams params;
    params.temperature = 5;
    params.seed = seed;
    Sampler sampler(params, 5);
    texts.emplace_back();
    for (int i = 0; i < 50; ++i)
      texts.back().push_back(sampler.sample(logits.data()));
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_NE(texts[0], texts[2]);
}

TEST(SamplerTest, values_that_are_not_finite_are_never_drawn_against_the_odds) {
  SamplingParams params;
  params.temperature = 1;
  expectDistribution(frequencies(params, {NAN, 1, -INFINITY, 1}), {{1, 1}, {3, 1}});
  expectDistribution(frequencies(params, {0, INFINITY, 5, INFINITY}), {{1, 1}});
  expectDistribution(frequencies(params, {-INFINITY, -INFINITY, NAN}), {{0, 1}});
}

TEST(SamplerTest, parameters_out_of_range_are_named) {
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
