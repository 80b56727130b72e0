// Each op of the oracle on a case small enough to compute by hand.
#include "compiler/Reference/Ops.h"

#include <cmath>
#include <gtest/gtest.h>

namespace quipu::reference {
namespace {

class Matrix : public Weight {
public:
  Matrix(int64_t rowCount, std::vector<double> values) : count(rowCount), values(std::move(values)) {}
  int64_t rows() const override { return count; }
  int64_t cols() const override { return int64_t(values.size()) / count; }
  void readRow(int64_t i, double *out) const override { std::copy_n(values.begin() + i * cols(), cols(), out); }

private:
  int64_t count;
  std::vector<double> values;
};

Tensor tensor(int64_t rows, std::vector<double> values) {
  Tensor result(rows, int64_t(values.size()) / rows);
  result.data = std::move(values);
  return result;
}

void expectNear(const std::vector<double> &got, const std::vector<double> &want, double tolerance = 1e-12) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], want[i], tolerance) << "element " << i;
}

TEST(ReferenceOps, EmbeddingTakesRowsByIdInOrder) {
  EXPECT_EQ(embedding({2, 0, 2}, Matrix(3, {1, 2, 3, 4, 5, 6})).data, (std::vector<double>{5, 6, 1, 2, 5, 6}));
}

TEST(ReferenceOps, RmsNormDividesByTheRootMeanSquare) {
  // mean(3^2, 4^2) = 12.5; eps 12.5 makes the divisor 5
  Matrix gain(1, {10, 5});
  expectNear(norm(tensor(1, {3, 4}), &gain, nullptr, {false, 12.5}).data, {6, 4});
  // Groups of one feature: each becomes its sign.
  expectNear(norm(tensor(1, {3, -4}), nullptr, nullptr, {false, 0, 2}).data, {1, -1});
}

TEST(ReferenceOps, LayerNormTakesTheMeanOffAndOneGroupsGainServesAll) {
  // mean 5, variance 9; eps 16 makes the divisor 5
  Matrix gain(1, {10, 5}), bias(1, {1, 2});
  expectNear(norm(tensor(1, {2, 8}), &gain, &bias, {true, 16}).data, {-5, 5});
  expectNear(norm(tensor(1, {2, 8, 12, 18}), &gain, &bias, {true, 16, 2}).data, {-5, 5, -5, 5});
}

TEST(ReferenceOps, ScaleSoftcapAndPositionScaleAtKnownPoints) {
  expectNear(scale(tensor(1, {3, -4}), 0.5).data, {1.5, -2});
  expectNear(softcap(tensor(1, {0, 30, 1e9}), 30).data, {0, 30 * std::tanh(1.0), 30});
  expectNear(positionScale(tensor(3, {2, 2, 2}), {7, 8, 16}, 0.5, 8).data, {2, 2 + std::log(2.0), 2 + std::log(3.0)});
}

TEST(ReferenceOps, MatmulMultipliesByTheTransposedWeight) {
  EXPECT_EQ(matmul(tensor(2, {1, 2, 3, 4}), Matrix(3, {1, 0, 0, 1, 1, 1})).data,
            (std::vector<double>{1, 2, 3, 3, 4, 7}));
}

TEST(ReferenceOps, BiasIsAddedToEveryRow) {
  EXPECT_EQ(addBias(tensor(2, {1, 2, 3, 4}), Matrix(1, {10, 20})).data, (std::vector<double>{11, 22, 13, 24}));
}

TEST(ReferenceOps, ActivationsAtKnownPoints) {
  EXPECT_NEAR(activate(Activation::Silu, std::log(3.0)), std::log(3.0) * 0.75, 1e-15);
  EXPECT_NEAR(activate(Activation::GeluErf, 1.0), 0.8413447460685429, 1e-15); // the normal distribution's value at 1
  EXPECT_NEAR(activate(Activation::GeluTanh, 1.0), 0.841191990608, 1e-12);    // PyTorch's gelu(approximate="tanh")
  EXPECT_EQ(activate(Activation::Relu, -2.0), 0.0);
  EXPECT_EQ(activate(Activation::Relu, 2.0), 2.0);
  EXPECT_EQ(activate(Activation::Relu2, -2.0), 0.0);
  EXPECT_EQ(activate(Activation::Relu2, 3.0), 9.0);
  EXPECT_NEAR(activate(Activation::Sigmoid, std::log(3.0)), 0.75, 1e-15);
}

TEST(ReferenceOps, GateActivatesTheFirstHalf) {
  EXPECT_EQ(gate(Activation::Relu, tensor(1, {-1, 2, 10, 20})).data, (std::vector<double>{0, 40}));
}

TEST(ReferenceOps, SliceAndSelectPickColumnsAndRows) {
  EXPECT_EQ(sliceColumns(tensor(2, {1, 2, 3, 4, 5, 6}), 1, 2).data, (std::vector<double>{2, 3, 5, 6}));
  EXPECT_EQ(selectRows(tensor(3, {1, 2, 3}), {2, 0}).data, (std::vector<double>{3, 1}));
}

TEST(ReferenceOps, RopeTurnsPairsByPositionTimesFrequency) {
  Rope half{4, 4, false, 1.0, {M_PI / 2, 0}};
  // position 1 turns the pair (0, 2) by a quarter and leaves (1, 3); position 2 by a half
  expectNear(rope(tensor(2, {1, 5, 2, 6, 1, 5, 2, 6}), {1, 2}, half).data, {-2, 5, 1, 6, -1, 5, -2, 6});
  Rope interleaved{4, 4, true, 2.0, {M_PI / 2, 0}};
  expectNear(rope(tensor(1, {1, 2, 5, 6}), {1}, interleaved).data, {-4, 2, 10, 12});
  // The features past those that turn stay.
  Rope partial{4, 2, false, 1.0, {M_PI / 2}};
  expectNear(rope(tensor(1, {1, 2, 5, 6}), {1}, partial).data, {-2, 1, 5, 6});
}

TEST(ReferenceOps, AttentionIsCausalAndHeadsShareKeys) {
  // One KV head of one feature for two query heads; equal scores average, and row 0 sees itself alone.
  AttentionShape shape{2, 1, 1.0, {}};
  Tensor q = tensor(2, {0, 0, 0, std::log(3.0)}), k = tensor(2, {0, 1}), v = tensor(2, {4, 8});
  expectNear(attention(q, k, v, shape, true).data, {4, 4, 6, 7});
}

TEST(ReferenceOps, AttentionWindowCutsOffTheOldest) {
  AttentionShape shape{1, 1, 1.0, 2};
  expectNear(attention(tensor(3, {0, 0, 0}), tensor(3, {1, 1, 1}), tensor(3, {3, 5, 9}), shape, true).data, {3, 4, 7});
}

TEST(ReferenceOps, CachedAttentionSeesItsOwnSequenceOnly) {
  Cache cache;
  Batch first{{0, 2, 3}, {0, 1}, {0, 1, 0}};
  kvAppend(cache, tensor(3, {0, 0, 0}), tensor(3, {2, 4, 100}), first, fb::DType::f32, 1);
  Batch second{{0, 1, 2}, {1, 0}, {1, 2}};
  kvAppend(cache, tensor(2, {0, 0}), tensor(2, {300, 6}), second, fb::DType::f32, 1);
  expectNear(cachedAttention(tensor(2, {0, 0}), cache, second, {1, 1, 1.0, {}}).data, {200, 4});
}

TEST(ReferenceOps, CacheRoundsToItsElementType) {
  EXPECT_EQ(roundTo(fb::DType::f32, 0.1), double(0.1f));
  EXPECT_EQ(roundTo(fb::DType::bf16, 1.00390625), 1.0);      // halfway: to even
  EXPECT_EQ(roundTo(fb::DType::bf16, 1.01171875), 1.015625); // halfway: to even
  EXPECT_EQ(roundTo(fb::DType::f16, 1.00048828125), 1.0);
  EXPECT_TRUE(std::isnan(roundTo(fb::DType::bf16, NAN)));
}

TEST(ReferenceOps, Int8CacheHasAScaleForEachHead) {
  Cache cache;
  Batch batch{{0, 1}, {0}, {0}};
  kvAppend(cache, tensor(1, {127, 0.4, 31.75, 0.15}), tensor(1, {0, 0, -254, 3}), batch, fb::DType::i8, 2);
  expectNear(cache.keys[0].data, {127, 0, 31.75, 0.25});
  expectNear(cache.values[0].data, {0, 0, -254, 4}); // halfway: to even
}

} // namespace
} // namespace quipu::reference
