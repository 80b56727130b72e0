// Each operation of sampling on a distribution that is computed here by its definition.
#include "compiler/Reference/Sampling.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>

namespace quipu::reference {
namespace {

constexpr int draws = 20000;

std::vector<uint32_t> bits(size_t count, const std::vector<int32_t> &tokens) {
  std::vector<uint32_t> words(seenWords(count));
  for (int32_t token : tokens)
    words[size_t(token) / 32] |= 1u << (token % 32);
  return words;
}

int32_t draw(const RowSampling &sampling, const std::vector<double> &logits, const std::vector<int32_t> &seen = {}) {
  std::vector<uint32_t> words = bits(logits.size(), seen);
  return sampleRow(logits.data(), int64_t(logits.size()), sampling, words.data()).token;
}

// Relative frequency of each token over many keys.
std::map<int32_t, double> frequencies(RowSampling sampling, const std::vector<double> &logits,
                                      const std::vector<int32_t> &seen = {}) {
  std::map<int32_t, double> counts;
  for (int i = 0; i < draws; ++i) {
    sampling.key = splitMix64(uint64_t(i) * splitMix64Step);
    counts[draw(sampling, logits, seen)] += 1.0 / draws;
  }
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

RowSampling at(float temperature) {
  RowSampling sampling;
  sampling.temperature = temperature;
  return sampling;
}

const std::vector<double> logits = {1.0, 3.0, 2.0, -1.0, 2.5};

TEST(ReferenceSampling, Temperature0TakesTheLargestAndTheLowestOfEquals) {
  EXPECT_EQ(draw({}, {1, 5, 5, 2}), 1);
  EXPECT_EQ(draw({}, {NAN, -INFINITY, -3, NAN}), 2);
  EXPECT_EQ(draw({}, {-1, -0.0, 0.0}), 1);
}

TEST(ReferenceSampling, NoTokenIsChosenWhereNoLogitIsANumber) {
  for (float temperature : {0.0f, 1.0f}) {
    EXPECT_EQ(draw(at(temperature), {NAN, NAN, NAN, NAN}), -1);
    EXPECT_EQ(draw(at(temperature), {NAN, NAN, -INFINITY, NAN}), 2);
  }
}

TEST(ReferenceSampling, DrawsFromTheSoftmaxOfLogitsOverTemperature) {
  for (float temperature : {0.5f, 1.0f, 3.0f}) {
    std::map<int32_t, double> weights;
    for (size_t i = 0; i < logits.size(); ++i)
      weights[int32_t(i)] = std::exp(logits[i] / temperature);
    expectDistribution(frequencies(at(temperature), logits), weights);
  }
}

// Logits over such a temperature are past the largest float.
TEST(ReferenceSampling, ATemperatureNear0DrawsTheLargest) {
  expectDistribution(frequencies(at(0x1p-126f), logits), {{1, 1}});
}

TEST(ReferenceSampling, TopKKeepsTheKLargest) {
  RowSampling sampling = at(1);
  sampling.topK = 2;
  expectDistribution(frequencies(sampling, logits), {{1, std::exp(3.0)}, {4, std::exp(2.5)}});
  sampling.topK = 1;
  expectDistribution(frequencies(sampling, {2, 7, 7, 1}), {{1, 1}});
  sampling.topK = 3; // cuts through equals
  expectDistribution(frequencies(sampling, {2, 2, 7, 2, 7}),
                     {{0, std::exp(2.0)}, {2, std::exp(7.0)}, {4, std::exp(7.0)}});
  sampling.topK = 100; // more than there are
  EXPECT_EQ(frequencies(sampling, logits).size(), 5u);
}

TEST(ReferenceSampling, TopPKeepsTheFewestThatReachP) {
  RowSampling sampling = at(1);
  std::vector<double> known;
  for (double p : {0.15, 0.5, 0.05, 0.3})
    known.push_back(float(std::log(p)));
  sampling.topP = 0.79f;
  expectDistribution(frequencies(sampling, known), {{1, 0.5}, {3, 0.3}});
  sampling.topP = 0.81f;
  expectDistribution(frequencies(sampling, known), {{1, 0.5}, {3, 0.3}, {0, 0.15}});
  sampling.topP = 0.001f;
  expectDistribution(frequencies(sampling, known), {{1, 1}});
}

// 1000 equal tokens, of which the first 900 reach 0.8995.
TEST(ReferenceSampling, TopPOfAFlatDistributionKeepsTheLowestIds) {
  RowSampling sampling = at(1);
  sampling.topP = 0.8995f;
  std::map<int32_t, int> found;
  for (uint64_t key = 0; key < 6000; ++key) {
    sampling.key = key;
    ++found[draw(sampling, std::vector<double>(1000, 2.0))];
  }
  EXPECT_GE(found.size(), 890u); // of 900, over 6000 draws
  EXPECT_LT(found.rbegin()->first, 900);
}

TEST(ReferenceSampling, MinPKeepsWhatHasThatShareOfTheLikeliest) {
  RowSampling sampling = at(1);
  sampling.minP = 0.5f; // exp(-0.5) = 0.61, exp(-1) = 0.37
  expectDistribution(frequencies(sampling, logits), {{1, std::exp(3.0)}, {4, std::exp(2.5)}});
  sampling.minP = 1;
  expectDistribution(frequencies(sampling, {3, 1, 3, 2.9}), {{0, 1}, {2, 1}});
}

TEST(ReferenceSampling, PenaltyDividesPositiveLogitsAndMultipliesNegativeOnes) {
  RowSampling sampling = at(1);
  sampling.repetitionPenalty = 2;
  std::map<int32_t, double> weights = {
      {0, std::exp(1.0)}, {1, std::exp(1.5)}, {2, std::exp(2.0)}, {3, std::exp(-2.0)}, {4, std::exp(2.5)}};
  expectDistribution(frequencies(sampling, logits, {1, 3}), weights);
  sampling.temperature = 0;
  EXPECT_EQ(draw(sampling, logits, {1}), 4);
  EXPECT_EQ(draw(sampling, std::vector<double>(70, 1), {0, 31, 32, 33, 64}), 1);
}

// Of the three largest, the likeliest two have 0.82 of the probability at temperature 1 and 0.87 at 0.5: with top-p
// before temperature three would stay; and 0.85 of all five takes three.
TEST(ReferenceSampling, TemperatureAndTopKComeBeforeTopP) {
  RowSampling sampling = at(0.5f);
  sampling.topK = 3;
  sampling.topP = 0.85f;
  expectDistribution(frequencies(sampling, logits), {{1, std::exp(6.0)}, {4, std::exp(5.0)}});
}

TEST(ReferenceSampling, AKeyGivesTheSameTokenAndOthersOthers) {
  RowSampling sampling = at(5);
  std::map<int32_t, int> found;
  for (uint64_t key = 0; key < 50; ++key) {
    sampling.key = key;
    ++found[draw(sampling, logits)];
    EXPECT_EQ(draw(sampling, logits), draw(sampling, logits));
  }
  EXPECT_EQ(found.size(), 5u);
}

// What is drawn of a token's rivals does not change its noise.
TEST(ReferenceSampling, ATokenThatLosesCanBeLeftOut) {
  RowSampling sampling = at(1);
  for (uint64_t key = 0; key < 200; ++key) {
    sampling.key = key;
    int32_t token = draw(sampling, logits);
    for (size_t i = 0; i < logits.size(); ++i) {
      std::vector<double> fewer = logits;
      if (int32_t(i) != token)
        fewer[i] = NAN;
      EXPECT_EQ(draw(sampling, fewer), token);
    }
  }
}

TEST(ReferenceSampling, ValuesThatAreNotFiniteAreNeverDrawnAgainstTheOdds) {
  expectDistribution(frequencies(at(1), {NAN, 1, -INFINITY, 1}), {{1, 1}, {3, 1}});
  expectDistribution(frequencies(at(1), {0, INFINITY, 5, INFINITY}), {{1, 1}});
  expectDistribution(frequencies(at(1), {NAN, -INFINITY, -INFINITY}), {{1, 1}});
}

// Pearson's test over a vocabulary of 300: 299 degrees of freedom have the mean 299 and the standard deviation 24.5.
TEST(ReferenceSampling, FrequenciesPassAChiSquareTest) {
  std::vector<double> values(300);
  double total = 0;
  for (size_t i = 0; i < values.size(); ++i)
    total += std::exp(values[i] = float(1.5 * std::sin(double(i) * i)));
  std::map<int32_t, double> found = frequencies(at(1), values);
  double chiSquare = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    double expected = std::exp(values[i]) / total * draws, difference = found[int32_t(i)] * draws - expected;
    chiSquare += difference * difference / expected;
  }
  EXPECT_GT(chiSquare, 299 - 5 * 24.5);
  EXPECT_LT(chiSquare, 299 + 5 * 24.5);
}

// Consecutive keys and consecutive tokens: each pair of draws is as likely as the product of its parts.
TEST(ReferenceSampling, DrawsOfNeighbouringKeysAreIndependent) {
  RowSampling sampling = at(1);
  std::map<std::pair<int32_t, int32_t>, int> pairs;
  int32_t last = 0;
  for (uint64_t key = 0; key < draws; ++key) {
    sampling.key = splitMix64(key * splitMix64Step);
    int32_t token = draw(sampling, {0, 0, 0, 0});
    ++pairs[{last, token}];
    last = token;
  }
  for (auto [pair, count] : pairs)
    EXPECT_NEAR(count, draws / 16.0, 5 * std::sqrt(draws / 16.0)) << pair.first << " then " << pair.second;
  EXPECT_EQ(pairs.size(), 16u);
}

// The first outputs of SplitMix64 with seed 1234567, as its authors' program gives them.
TEST(ReferenceSampling, NoiseBitsAreSplitMix64) {
  EXPECT_EQ(noiseBits(1234567, 1), 6457827717110365317u);
  EXPECT_EQ(noiseBits(1234567, 2), 3203168211198807973u);
  EXPECT_EQ(noiseBits(1234567, 3), 9817491932198370423u);
}

TEST(ReferenceSampling, TheMarginSaysWhatWouldChangeTheToken) {
  std::vector<double> values = {0, 0, -50, 1};
  EXPECT_TRUE(std::isinf(sampleRow(values.data(), 4, {}, nullptr).margin));
  RowSampling sampling = at(1);
  sampling.topP = 0.5f; // of 0.21, 0.21, 0, 0.58
  SampledToken token = sampleRow(values.data(), 4, sampling, nullptr);
  double largest = std::exp(1.0) / (2 + std::exp(1.0) + std::exp(-50.0));
  EXPECT_EQ(token.token, 3);
  EXPECT_LE(token.margin, largest - 0.5 + 1e-12); // the first of the others would come in
  // Twice that margin lower, and another token may win; half of it, and none does.
  sampling.topP = 1;
  for (sampling.key = 0; sampling.key < 100; ++sampling.key) {
    SampledToken won = sampleRow(values.data(), 4, sampling, nullptr);
    std::vector<double> less = values, muchLess = values;
    less[size_t(won.token)] -= won.margin / 2;
    muchLess[size_t(won.token)] -= won.margin * 2;
    EXPECT_EQ(draw(sampling, less), won.token);
    EXPECT_NE(draw(sampling, muchLess), won.token);
  }
}

TEST(ReferenceSampling, EachRowOfATensorHasItsOwnSampling) {
  Tensor rows(3, 40);
  std::fill(rows.data.begin(), rows.data.end(), 1.0);
  rows.row(1)[7] = 2;
  RowSampling penalised;
  penalised.repetitionPenalty = 3;
  std::vector<uint32_t> seen(3 * 2);
  seen[2 * 2] = 3;       // row 2 has tokens 0 and 1
  seen[0] = ~uint32_t{}; // not read: row 0 has no penalty
  EXPECT_EQ(sample(rows, {{{}, {}, penalised}, seen}), (IntTensor{0, 7, 2}));
}

} // namespace
} // namespace quipu::reference
