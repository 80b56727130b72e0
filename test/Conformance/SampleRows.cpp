// sample against compiler/Reference, over rows of logits of every kind.
#include "compiler/Reference/Sampling.h"
#include "test/Conformance/SharedRows.h"

#include <algorithm>
#include <cmath>

namespace quipu::conformance {
namespace {

struct Case {
  std::function<float(float random, int64_t token)> logit; // random: in [-1, 1)
  RowSampling sampling;
};

float spread(float random, int64_t) { return random * 12; }
float ties(float random, int64_t) { return std::floor(random * 3); } // -3 .. 2
float equal(float, int64_t) { return -1e30f; }
float zeros(float, int64_t token) { return token % 2 == 0 ? -0.0f : 0.0f; }
float nan(float, int64_t) { return NAN; }
float someNan(float random, int64_t token) { return token % 3 == 0 ? NAN : random * 4; }
float someBelowAll(float random, int64_t token) { return token % 3 != 1 ? -INFINITY : random * 4; }
float belowAll(float, int64_t token) { return token == 0 ? NAN : -INFINITY; }
float aboveAll(float random, int64_t token) { return token % 50 == 1 ? INFINITY : random; }
float spike(float random, int64_t token) { return token == 2 ? 40 : random; }
float far(float random, int64_t) { return random * 3e38f; }

RowSampling sampling(float temperature, uint32_t topK = 0, float topP = 1, float minP = 0, float penalty = 1) {
  return {temperature, topK, topP, minP, penalty, 0, 0};
}

const std::vector<Case> &cases() {
  static const std::vector<Case> all = {
      {spread, sampling(0)},
      {equal, sampling(1)},
      {spread, sampling(2, 40)},
      // Five of all kinds: what emulators run.
      {spread, sampling(0.8f, 10, 0.95f, 0.02f, 1.2f)},
      {ties, sampling(0, 5, 0.5f, 0.5f)},
      {ties, sampling(1, 7)}, // cuts through equals
      {spread, sampling(3, 0, 0.9f)},
      {spread, sampling(1)},
      // Greedy.
      {nan, sampling(0)},
      {belowAll, sampling(0)},
      {zeros, sampling(0)},
      {spread, sampling(0, 0, 1, 0, 1.3f)},
      {far, sampling(0, 0, 1, 0, 0.1f)}, // the penalty makes infinities
      {aboveAll, sampling(0)},
      // Nothing but a temperature.
      {ties, sampling(0.7f)},
      {spread, sampling(1e30f)},
      {spread, sampling(0x1p-126f)},
      {far, sampling(0.5f)},
      {nan, sampling(1, 3, 0.5f)},
      {aboveAll, sampling(1, 3, 0.5f)},
      // Top-k.
      {spread, sampling(2, 1)},
      {spread, sampling(2, 1u << 31)},
      {equal, sampling(1, 2)},
      {zeros, sampling(1, 2)},
      {someNan, sampling(3, 70)},
      {someBelowAll, sampling(3, 70)},
      // Top-p and min-p.
      {ties, sampling(1, 0, 0.4f)}, // cuts through equals
      {equal, sampling(1, 0, 0.3f)},
      {spread, sampling(1, 0, 1e-6f)},
      {spike, sampling(1, 0, 0.95f)},
      {spread, sampling(4, 0, 1, 0.1f)},
      {ties, sampling(1, 0, 1, 1)},
      {belowAll, sampling(1, 0, 0.5f, 0.5f)},
      // All at once, with a penalty.
      {ties, sampling(0.8f, 0, 0.9f, 0, 1.5f)},
      {someNan, sampling(2, 30, 0.8f, 0, 0.5f)},
      {far, sampling(1, 30, 0.8f, 0, 0.5f)},
      {someBelowAll, sampling(2, 9, 0.99f, 0.01f, 2)},
      {zeros, sampling(0.5f, 0, 0.7f, 0.2f, 3)},
      {equal, sampling(1, 20, 0.5f, 0, 1.1f)},
      {spike, sampling(1, 0, 0.95f, 0, 100)},
  };
  return all;
}

// Batch b of the problems has so many cases, from where the last one ended; the last one has all.
constexpr int64_t batchRows[] = {1, 2, 5, 8, 8, 8, 8};
constexpr int64_t batches = std::size(batchRows) + 1;

// Gives the row a key with which float32 arithmetic cannot but choose the reference's token; returns that token.
int32_t chooseKey(const std::vector<double> &logits, RowSampling &sampling, const uint32_t *seen) {
  for (;; sampling.key = splitMix64(sampling.key + 1)) {
    auto [token, margin] = reference::sampleRow(logits.data(), int64_t(logits.size()), sampling, seen);
    if (margin > 1e-3)
      return token;
  }
}

Problem sampleProblem(int64_t n, int64_t first, int64_t count) {
  std::vector<float> logits, random = randomValues(size_t(n * count), uint32_t(first + 1));
  std::vector<RowSampling> rows;
  std::vector<uint32_t> seen;
  std::vector<double> want;
  for (int64_t row = 0; row < count; ++row) {
    const Case &kind = cases()[size_t(first + row)];
    std::vector<double> values;
    for (int64_t token = 0; token < n; ++token)
      values.push_back(kind.logit(random[size_t(row * n + token)], token));
    RowSampling sampling = kind.sampling;
    sampling.key = uint64_t(n * 100 + first + row);
    for (uint64_t word = 0; word < seenWords(uint64_t(n)); ++word) // not read where there is no penalty
      seen.push_back(sampling.repetitionPenalty == 1 ? ~0u : uint32_t(splitMix64(word + 1)));
    want.push_back(chooseKey(values, sampling, seen.data() + uint64_t(row) * seenWords(uint64_t(n))));
    logits.insert(logits.end(), values.begin(), values.end());
    rows.push_back(sampling);
  }
  Problem problem("sample");
  problem.dims[Rows] = count;
  problem.give({{"logits", Operand::of(logits)},
                {"sampling", Operand::of(rows)},
                {"seen", Operand::of(seen)},
                {"out", Operand::output(size_t(count * 4))}});
  problem.expected = {{problem.indexOf("out"), ElementType::I32, want, {}}};
  return problem;
}

KernelRow sampleRow(int64_t n, std::vector<KernelSpec> stages) {
  KernelRow row;
  row.name = fmt::format("sample_n{}", n);
  row.stages = std::move(stages);
  row.tolerance = 0;
  for (int64_t batch = 0; batch < batches; ++batch)
    row.sizes.push_back(batch);
  row.make = [n](int64_t batch) {
    if (batch == batches - 1)
      return sampleProblem(n, 0, int64_t(cases().size()));
    int64_t first = 0;
    for (int64_t before = 0; before < batch; ++before)
      first += batchRows[before];
    return sampleProblem(n, first, batchRows[batch]);
  };
  return row;
}

} // namespace

std::vector<KernelRow> sampleRows(const SampleStages &stages) {
  std::vector<KernelRow> rows;
  for (int64_t n : {4099, 512, 105, 3, 1})
    rows.push_back(sampleRow(n, stages(n)));
  return rows;
}

} // namespace quipu::conformance
