// Routers and experts on cases small enough to compute by hand.
#include "compiler/Reference/Ops.h"

#include <cmath>
#include <gtest/gtest.h>

namespace quipu::reference {
namespace {

class Rows : public Weight {
public:
  Rows(int64_t count, std::vector<double> values) : count(count), values(std::move(values)) {}
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

void expectNear(const std::vector<double> &got, const std::vector<double> &want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], want[i], 1e-12) << "element " << i;
}

RouteShape choosing(int64_t chosen) {
  RouteShape shape;
  shape.chosen = chosen;
  return shape;
}

TEST(ReferenceExperts, SoftmaxIsOverAllExperts) {
  Routing routing = route(tensor(1, {0, std::log(5.0), std::log(2.0)}), nullptr, choosing(2));
  EXPECT_EQ(routing.ids, (IntTensor{1, 2}));
  expectNear(routing.weights.data, {5.0 / 8, 2.0 / 8});
}

TEST(ReferenceExperts, NormalisedWeightsAreThoseOfASoftmaxOfTheChosen) {
  RouteShape shape = choosing(2);
  shape.normalize = true;
  shape.scale = 14;
  expectNear(route(tensor(1, {0, std::log(5.0), std::log(2.0)}), nullptr, shape).weights.data, {10, 4});
}

TEST(ReferenceExperts, TheLowerOfEqualsIsChosenFirst) {
  EXPECT_EQ(route(tensor(1, {1, 2, 2, 2}), nullptr, choosing(2)).ids, (IntTensor{1, 2}));
}

TEST(ReferenceExperts, ABiasCountsForTheChoiceAlone) {
  RouteShape shape = choosing(1);
  shape.sigmoid = true;
  Rows bias(1, {0, 0.6});
  Routing routing = route(tensor(1, {0, -std::log(3.0)}), &bias, shape); // scores 1/2 and 1/4
  EXPECT_EQ(routing.ids, (IntTensor{1}));
  expectNear(routing.weights.data, {0.25});
}

TEST(ReferenceExperts, GroupsAreKeptByTheirTwoBest) {
  // The best expert is in the first group; the two best together are in the second.
  RouteShape shape = choosing(2);
  shape.sigmoid = true;
  shape.groups = 2;
  shape.keptGroups = 1;
  EXPECT_EQ(route(tensor(1, {9, -9, -9, 2, 3, 1}), nullptr, shape).ids, (IntTensor{4, 3}));
}

TEST(ReferenceExperts, EachTokenIsMultipliedWithItsExperts) {
  // Matrices of two rows: expert 0 has ones, expert 1 twos and threes.
  Rows stack(4, {1, 1, 1, 1, 2, 2, 3, 3});
  Tensor x = tensor(2, {1, 2, 10, 20});
  expectNear(expertMatmul(x, stack, 2, {1, 0, 0, 1}, 2).data, {6, 9, 3, 3, 30, 30, 60, 90});
}

TEST(ReferenceExperts, EachExpertMayReadAPartOfTheRow) {
  Rows stack(2, {1, 1, 2, 2});
  expectNear(expertMatmul(tensor(1, {1, 2, 10, 20}), stack, 1, {1, 0}, 2).data, {6, 30});
}

TEST(ReferenceExperts, ProductsAreSummedByTheirWeights) {
  expectNear(combine(tensor(1, {1, 2, 10, 20}), tensor(1, {3, 0.5})).data, {8, 16});
}

} // namespace
} // namespace quipu::reference
