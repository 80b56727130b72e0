// GGUF files of trained models against the goldens of the same models in Hugging Face layout.
#include "models/import/CheckpointTokenizer.h"
#include "runtime/Text/Tokenizer.h"
#include "test/SharedData.h"
#include "test/compiler/Pipeline/CompiledModel.h"

#include <cmath>
#include <nlohmann/json.hpp>

using namespace quipu;
using nlohmann::json;

namespace {

class GgufModelsTest : public test::CompiledModel, public testing::WithParamInterface<const char *> {
protected:
  // Compiles the file and loads the artifact.
  void load(const std::string &gguf) {
    CompileRequest request;
    request.model = gguf;
    request.output = pathOf("model.qpu");
    auto report = compile(request);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->warnings.empty()) << report->warnings.front();
    auto loaded = Engine::load(request.output);
    ASSERT_TRUE(loaded) << loaded.error().message;
    engine = std::move(*loaded);
    auto text = Tokenizer::deserialize(engine->artifact().tokenizer());
    ASSERT_TRUE(text) << text.error().message;
    tokenizer = std::move(*text);
  }

  std::unique_ptr<Engine> engine;
  std::unique_ptr<Tokenizer> tokenizer;
};

TEST_P(GgufModelsTest, prompts_logits_and_greedy_ids_are_the_goldens) {
  std::string gguf = test::sharedData(std::string("gguf/") + GetParam() + "-f32.gguf");
  std::string goldenPath = test::sharedData(std::string("models/") + GetParam() + "/golden.json");
  if (gguf.empty() || goldenPath.empty())
    GTEST_SKIP() << "no shared data";
  ASSERT_NO_FATAL_FAILURE(load(gguf));
  json golden = json::parse(bytesOf(goldenPath));
  for (const json &one : golden["cases"]) {
    auto prompt = tokenizer->encode(one["prompt"].get<std::string>());
    ASSERT_TRUE(prompt) << prompt.error().message;
    EXPECT_EQ(*prompt, one["prompt_ids"].get<std::vector<int32_t>>());
    auto greedy = one["greedy_ids"].get<std::vector<int32_t>>();
    std::vector<float> logits;
    auto keepFirst = [&](const NewToken &token) {
      if (logits.empty())
        logits.assign(token.logits, token.logits + engine->model().vocab());
      return true;
    };
    SamplingParams sampling;
    sampling.temperature = 0;
    auto result = engine->generate(*prompt, sampling, greedy.size(), keepFirst, /*wantLogits=*/true);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_LE(relativeError(logits, one["last_logits"].get<std::vector<double>>()), 1e-4);
    if (one["min_top2_margin"].get<double>() > 1e-3) // a closer call may go either way
      EXPECT_EQ(result->ids, greedy);
  }
}

INSTANTIATE_TEST_SUITE_P(, GgufModelsTest, testing::Values("stories260k", "babyllama-tok105"), [](const auto &info) {
  std::string name = info.param;
  return name.substr(0, name.find('-'));
});

} // namespace
