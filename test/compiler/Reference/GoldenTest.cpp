// The oracle itself is held to Hugging Face transformers: the plain form of every committed checkpoint, evaluated in
// float64, gives the golden logits and greedy text. transformers computes the rotary angles in float32, hence a
// tolerance of 1e-6 and not of float64.
#include "compiler/Reference/CheckpointWeights.h"
#include "models/graph/ModelGraph.h"
#include "test/SharedData.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace quipu::reference {
namespace {

struct Golden {
  const char *checkpoint, *golden;
};

class ReferenceGolden : public testing::TestWithParam<Golden> {
protected:
  void load(const std::string &folder, const std::string &goldenFile) {
    auto opened = models::Checkpoint::open(folder);
    ASSERT_TRUE(opened) << opened.error().message;
    checkpoint = std::move(*opened);
    context.loadDialect<lm::LMDialect>();
    auto built = models::buildGraph(*checkpoint, context);
    ASSERT_TRUE(built) << built.error().message;
    module = std::move(*built);
    std::ifstream stream(goldenFile);
    golden = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(golden.is_object()) << goldenFile;
  }

  std::vector<double> lastLogits(const IntTensor &ids) {
    CheckpointWeights weights(*checkpoint);
    auto logits = evaluateLogits(*module->getOps<lm::FuncOp>().begin(), weights, ids);
    EXPECT_TRUE(logits) << (logits ? "" : logits.error().message);
    return {logits->row(logits->rows - 1), logits->row(logits->rows - 1) + logits->cols};
  }

  mlir::MLIRContext context;
  std::unique_ptr<models::Checkpoint> checkpoint;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  nlohmann::json golden;
};

TEST_P(ReferenceGolden, LogitsAndGreedyTextAgree) {
  std::string folder = GetParam().checkpoint, goldenFile = GetParam().golden;
  if (folder.rfind("shared:", 0) == 0) {
    folder = test::sharedData(folder.substr(7));
    if (folder.empty())
      GTEST_SKIP() << "shared data is absent";
    goldenFile = folder + "/golden.json";
  }
  ASSERT_NO_FATAL_FAILURE(load(folder, goldenFile));
  for (const nlohmann::json &entry : golden["cases"]) {
    IntTensor ids = entry["prompt_ids"];
    std::vector<double> want = entry["last_logits"], got = lastLogits(ids);
    ASSERT_EQ(got.size(), want.size());
    double largest = 0, error = 0;
    for (size_t i = 0; i < want.size(); ++i) {
      largest = std::max(largest, std::abs(want[i]));
      error = std::max(error, std::abs(got[i] - want[i]));
    }
    EXPECT_LE(error / largest, 1e-6);
    // Margins of the goldens are far above the tolerance; a few steps show that the loop over positions is right.
    std::vector<int32_t> greedy = entry["greedy_ids"];
    greedy.resize(std::min<size_t>(greedy.size(), 6));
    for (int32_t next : greedy) {
      std::vector<double> logits = lastLogits(ids);
      ASSERT_EQ(std::max_element(logits.begin(), logits.end()) - logits.begin(), next);
      ids.push_back(next);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Llama, ReferenceGolden,
    testing::Values(Golden{"test/goldens/llama/gqa_tied_f32", "test/goldens/llama/gqa_tied_f32/golden.json"},
                    Golden{"test/goldens/llama/bias_untied_bf16", "test/goldens/llama/bias_untied_bf16/golden.json"},
                    Golden{"test/goldens/llama/rope_llama3_f16", "test/goldens/llama/rope_llama3_f16/golden.json"},
                    Golden{"test/goldens/llama/mha_sharded_f32", "test/goldens/llama/mha_sharded_f32/golden.json"},
                    Golden{"test/goldens/llama/mistral_window8_bf16",
                           "test/goldens/llama/mistral_window8_bf16/golden.json"},
                    Golden{"shared:models/stories260k", ""}, Golden{"shared:models/babyllama-tok105", ""}),
    [](const auto &info) {
      std::string name = info.param.checkpoint;
      name = name.substr(name.rfind('/') + 1);
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

} // namespace
} // namespace quipu::reference
