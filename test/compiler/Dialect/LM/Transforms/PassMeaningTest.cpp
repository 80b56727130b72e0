// Passes keep the meaning of a graph: real (tiny) checkpoints, evaluated by the reference before and after each pass.
#include "compiler/Dialect/LM/Transforms/Passes.h"
#include "compiler/Reference/CheckpointWeights.h"
#include "models/graph/ModelGraph.h"
#include "models/import/Checkpoint.h"
#include "test/GoldenCheckpoints.h"

#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace mlir;
using namespace quipu;

namespace {

struct NamedPass {
  const char *name;
  std::unique_ptr<Pass> (*create)();
  double tolerance; // relative to the largest logit
};

// In an order in which each pass has work. f32 holds what f16 and bf16 hold, so only the cache, which rounds keys and
// values to float32, may move a float64 result by more than the order of additions does.
const NamedPass passes[] = {
    {"quantize-weights", [] { return lm::createQuantizeWeights({"f32", {}}); }, 1e-12},
    {"join-projections", [] { return lm::createJoinProjections(); }, 1e-12},
    {"fuse-gated-activation", [] { return lm::createFuseGatedActivation(); }, 1e-12},
    {"fuse-matmul-activation", [] { return lm::createFuseMatmulActivation(); }, 1e-12},
    {"fuse-matmul-residual", [] { return lm::createFuseMatmulResidual(); }, 1e-12},
    {"fuse-norm-matmul", [] { return lm::createFuseNormMatmul(); }, 1e-12},
    {"insert-kv-cache", [] { return lm::createInsertKvCache({"f32"}); }, 1e-6},
    {"fuse-rope-kv-append", [] { return lm::createFuseRopeKvAppend(); }, 1e-12},
    {"page-kv-cache", [] { return lm::createPageKvCache({16}); }, 1e-12},
    {"remove-dead-weights", [] { return lm::createRemoveDeadWeights(); }, 1e-12},
};

reference::Tensor logitsOf(ModuleOp module, reference::WeightSource &weights) {
  // Longer than the window of the windowed checkpoint.
  const reference::IntTensor ids = {1, 7, 3, 3, 12, 5, 9, 2, 8, 4, 11, 6};
  auto func = *module.getBody()->getOps<lm::FuncOp>().begin();
  auto logits = reference::evaluateLogits(func, weights, ids);
  EXPECT_TRUE(logits) << logits.error().message;
  return logits ? *logits : reference::Tensor();
}

// Largest difference, relative to the largest element of `expected`.
double relativeDifference(const reference::Tensor &got, const reference::Tensor &expected) {
  double largest = 0, difference = 0;
  for (size_t i = 0; i < expected.data.size(); ++i) {
    largest = std::max(largest, std::abs(expected.data[i]));
    difference = std::max(difference, std::abs(got.data[i] - expected.data[i]));
  }
  return difference / largest;
}

class PassMeaning : public testing::TestWithParam<std::string> {};

TEST_P(PassMeaning, IsKeptByEachPass) {
  auto checkpoint = models::Checkpoint::open(GetParam());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  reference::CheckpointWeights weights(**checkpoint);
  MLIRContext context;
  auto module = models::buildGraph(**checkpoint, context);
  ASSERT_TRUE(module) << module.error().message;

  reference::Tensor before = logitsOf(**module, weights);
  ASSERT_FALSE(before.data.empty());
  for (const NamedPass &pass : passes) {
    PassManager manager(&context);
    manager.addNestedPass<lm::FuncOp>(pass.create());
    ASSERT_TRUE(succeeded(manager.run(**module))) << pass.name;
    reference::Tensor after = logitsOf(**module, weights);
    ASSERT_EQ(after.data.size(), before.data.size()) << pass.name;
    EXPECT_LE(relativeDifference(after, before), pass.tolerance) << pass.name;
    before = std::move(after);
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, PassMeaning, testing::ValuesIn(test::goldenCheckpoints()),
                         [](const auto &instance) { return test::goldenName(instance.param); });

} // namespace
