// The oracle itself is held to Hugging Face transformers: the plain form of every committed checkpoint, evaluated in
// float64, gives the golden logits and greedy text. transformers computes the rotary angles in float32, hence a
// tolerance of 1e-6 and not of float64.
#include "compiler/Reference/CheckpointWeights.h"
#include "models/graph/ModelGraph.h"
#include "test/GoldenCheckpoints.h"
#include "test/SharedData.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace quipu::reference {
namespace {

// The parameter is a folder or a GGUF file; "shared:" stands for the folder of data from outside the repository.
class ReferenceGolden : public testing::TestWithParam<std::string> {
protected:
  void load(const std::string &folder) {
    auto opened = models::Checkpoint::open(folder);
    ASSERT_TRUE(opened) << opened.error().message;
    checkpoint = std::move(*opened);
    std::ifstream stream(test::goldenFile(folder));
    golden = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(golden.is_object()) << folder;
    context.loadDialect<lm::LMDialect>();
    auto built = models::buildGraph(*checkpoint, context, golden.value("max_context", 0));
    ASSERT_TRUE(built) << built.error().message;
    module = std::move(*built);
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
  std::string folder = GetParam();
  if (folder.rfind("shared:", 0) == 0) {
    folder = test::sharedData(folder.substr(7));
    if (folder.empty())
      GTEST_SKIP() << "shared data is absent";
  }
  ASSERT_NO_FATAL_FAILURE(load(folder));
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

std::vector<std::string> checkpoints() {
  std::vector<std::string> all = test::goldenCheckpoints(), files = test::goldenGgufs();
  all.insert(all.end(), files.begin(), files.end());
  all.insert(all.end(), {"shared:models/stories260k", "shared:models/babyllama-tok105"});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Families, ReferenceGolden, testing::ValuesIn(checkpoints()), [](const auto &info) {
  std::string name = test::goldenName(info.param);
  for (char &character : name)
    if (!std::isalnum(static_cast<unsigned char>(character)))
      character = '_';
  return name;
});

} // namespace
} // namespace quipu::reference
