// Graphs of checkpoints and configurations: the plain form they have, and what the passes make of it.
#include "models/graph/ModelGraph.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"
#include "models/Family.h"
#include "models/config/ModelConfig.h"
#include "models/import/Checkpoint.h"
#include "test/GoldenCheckpoints.h"
#include "test/SharedData.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>
#include <map>

using namespace mlir;
using namespace quipu;
using namespace quipu::models;

namespace {

std::unique_ptr<Checkpoint> openGolden(const std::string &folder) {
  auto checkpoint = Checkpoint::open(folder);
  EXPECT_TRUE(checkpoint) << checkpoint.error().message;
  return std::move(*checkpoint);
}

OwningOpRef<ModuleOp> graphOf(const Checkpoint &checkpoint, MLIRContext &context) {
  auto module = buildGraph(checkpoint, context);
  EXPECT_TRUE(module) << module.error().message;
  EXPECT_TRUE(succeeded(verify(**module)));
  return std::move(*module);
}

lm::FuncOp funcOf(ModuleOp module) { return *module.getBody()->getOps<lm::FuncOp>().begin(); }

template <typename OpT> std::vector<OpT> opsOf(ModuleOp module) {
  auto ops = funcOf(module).getBody().getOps<OpT>();
  return {ops.begin(), ops.end()};
}

bool run(ModuleOp module, const std::function<void(OpPassManager &)> &addPasses) {
  PassManager passes(module.getContext());
  addPasses(passes.nest<lm::FuncOp>());
  return succeeded(passes.run(module));
}

void addSpecialisation(OpPassManager &passes) {
  passes.addPass(lm::createQuantizeWeights({"bf16", {}}));
  passes.addPass(lm::createJoinProjections());
  passes.addPass(lm::createFuseGatedActivation());
  passes.addPass(lm::createFuseMatmulResidual());
  passes.addPass(lm::createFuseNormMatmul());
  passes.addPass(lm::createInsertKvCache());
  passes.addPass(lm::createFuseRopeKvAppend());
  passes.addPass(lm::createPageKvCache());
  passes.addPass(lm::createRemoveDeadWeights());
  passes.addPass(lm::createVerifyCachedForm());
}

std::string typeText(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

std::string typeText(const TensorSpec &spec, DType dtype) {
  std::string text = "tensor<";
  for (int64_t size : spec.shape)
    text += std::to_string(size) + "x";
  std::string element(dtypeName(dtype));
  std::transform(element.begin(), element.end(), element.begin(), ::tolower);
  return text + element + ">";
}

// The tensors of the checkpoint that a stack is made of.
std::map<std::string, std::string> matricesOf(lm::WeightStackOp op) {
  RankedTensorType type = op.getResult().getType();
  std::string name = op.getTensorName().str();
  size_t star = name.find('*');
  if (star == name.npos && type.getDimSize(0) > 1)
    return {{name, typeText(type)}};
  std::map<std::string, std::string> matrices;
  for (int64_t expert = 0; expert < type.getDimSize(0); ++expert) {
    std::string own = name;
    if (star != name.npos)
      own.replace(star, 1, std::to_string(expert));
    matrices[own] = typeText(RankedTensorType::get(type.getShape().drop_front(), type.getElementType()));
  }
  return matrices;
}

class Golden : public testing::TestWithParam<std::string> {
protected:
  MLIRContext context;
};

TEST_P(Golden, IsInPlainForm) {
  auto module = graphOf(*openGolden(GetParam()), context);
  EXPECT_TRUE(run(*module, [](OpPassManager &passes) { passes.addPass(lm::createVerifyPlainForm()); }));
}

TEST_P(Golden, ReadsEachTensorOfTheCheckpointOnceInItsOwnType) {
  auto checkpoint = openGolden(GetParam());
  auto description = checkModel(*checkpoint);
  ASSERT_TRUE(description) << description.error().message;
  std::map<std::string, std::string> expected, got;
  for (const TensorSpec &spec : description->tensors)
    expected[spec.name] = typeText(spec, checkpoint->find(spec.name)->dtype);

  auto module = graphOf(*checkpoint, context);
  for (lm::WeightOp weight : opsOf<lm::WeightOp>(*module))
    EXPECT_TRUE(got.emplace(weight.getTensorName(), typeText(weight.getResult().getType())).second)
        << weight.getTensorName().str() << " is there twice";
  for (lm::WeightStackOp stack : opsOf<lm::WeightStackOp>(*module))
    for (const auto &[name, type] : matricesOf(stack))
      EXPECT_TRUE(got.emplace(name, type).second) << name << " is there twice";
  EXPECT_EQ(got, expected);
}

INSTANTIATE_TEST_SUITE_P(Families, Golden, testing::ValuesIn(test::goldenCheckpoints()),
                         [](const auto &instance) { return test::goldenName(instance.param); });

struct ModelGraph : testing::Test {
  MLIRContext context;
};

// Each op that computes is one launch: six a layer, the embedding, the selection of rows, the logits and the sampling.
TEST_F(ModelGraph, LlamaBecomesSixOpsALayer) {
  auto module = graphOf(*openGolden("test/goldens/llama/gqa_tied_f32"), context);
  size_t layers = opsOf<lm::AttentionOp>(*module).size();
  ASSERT_GE(layers, 1u);
  ASSERT_TRUE(run(*module, addSpecialisation));
  std::map<std::string, size_t> counts;
  for (Operation &op : funcOf(*module).getBody().getOps())
    if (!isa<lm::WeightOp, lm::ConcatRowsOp, lm::KvCacheOp, lm::ReturnOp>(op))
      ++counts[op.getName().getStringRef().str()];
  std::map<std::string, size_t> expected = {{"lm.embedding", 1},        {"lm.matmul", 4 * layers + 1},
                                            {"lm.rope_append", layers}, {"lm.cached_attention", layers},
                                            {"lm.select_rows", 1},      {"lm.sample", 1}};
  EXPECT_EQ(counts, expected);
}

TEST_F(ModelGraph, TiedEmbeddingsAreOneWeightWithTwoReaders) {
  auto module = graphOf(*openGolden("test/goldens/llama/gqa_tied_f32"), context);
  auto embedding = opsOf<lm::EmbeddingOp>(*module).front();
  auto logits = opsOf<lm::MatmulOp>(*module).back();
  EXPECT_EQ(embedding.getTable(), logits.getWeight());
}

TEST_F(ModelGraph, BiasesFollowTheConfiguration) {
  auto module = graphOf(*openGolden("test/goldens/llama/bias_untied_bf16"), context);
  auto matmuls = opsOf<lm::MatmulOp>(*module);
  EXPECT_FALSE(matmuls.back().getBias()) << "lm_head has none";
  matmuls.pop_back();
  for (lm::MatmulOp matmul : matmuls)
    EXPECT_TRUE(matmul.getBias());
}

TEST_F(ModelGraph, SlidingWindowIsTheAttentions) {
  auto module = graphOf(*openGolden("test/goldens/llama/mistral_window8_bf16"), context);
  for (lm::AttentionOp attention : opsOf<lm::AttentionOp>(*module))
    EXPECT_EQ(attention.getWindow(), 8u);
}

TEST_F(ModelGraph, OpsCarryTheNameOfTheirModule) {
  auto module = graphOf(*openGolden("test/goldens/llama/gqa_tied_f32"), context);
  auto location = dyn_cast<NameLoc>(opsOf<lm::AttentionOp>(*module).front().getLoc());
  ASSERT_TRUE(location);
  EXPECT_EQ(location.getName().str(), "model.layers.0.self_attn");
}

TEST_F(ModelGraph, AMissingTensorIsAnErrorThatNamesIt) {
  auto checkpoint = openGolden("test/goldens/llama/gqa_tied_f32");
  auto typeOf = [](const std::string &name) {
    return name == "model.norm.weight" ? std::nullopt : std::optional(DType::F32);
  };
  auto module = buildGraph(checkpoint->config(), typeOf, context);
  ASSERT_FALSE(module);
  EXPECT_NE(module.error().message.find("model.norm.weight"), std::string::npos) << module.error().message;
}

// Real configurations, from 15 M to 405 B parameters.
TEST_F(ModelGraph, EveryKnownConfigurationSpecialises) {
  std::string folder = test::sharedData("hf-configs");
  if (folder.empty())
    GTEST_SKIP() << "no hf-configs in the shared data";
  auto bf16 = [](const std::string &) { return std::optional(DType::BF16); };
  size_t built = 0;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json")
      continue;
    auto config = ModelConfig::load(entry.path().string());
    if (!config || !describeModel(*config))
      continue;
    auto module = buildGraph(*config, bf16, context);
    ASSERT_TRUE(module) << module.error().message;
    EXPECT_TRUE(run(**module, addSpecialisation)) << entry.path();
    ++built;
  }
  EXPECT_GE(built, 10u);
}

} // namespace
