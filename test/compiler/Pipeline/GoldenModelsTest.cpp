// Checkpoint to text, against Hugging Face transformers in float64 (test/goldens/make_goldens.py): what the compiled
// model gives for every committed checkpoint, in each storage type, on this CPU and on the smallest one, and for the
// GGUF files of the same weights.
#include "test/GoldenCheckpoints.h"
#include "test/compiler/Pipeline/CompiledModel.h"

#include <map>
#include <nlohmann/json.hpp>

using namespace quipu;
using nlohmann::json;

namespace {

struct Setting {
  std::string checkpoint, storage, kvStorage, target; // folder or file, and as in CompileRequest
};

std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (const std::string &checkpoint : test::goldenCheckpoints())
    for (auto [storage, kvStorage] :
         {std::pair("f32", "f32"), std::pair("f16", "f16"), std::pair("bf16", "bf16"), std::pair("f32", "i8")})
      for (const char *target : {"cpu", "cpu:x86-64-v3"})
        all.push_back({checkpoint, storage, kvStorage, target});
  for (const std::string &file : test::goldenGgufs())
    all.push_back({file, "f32", "f32", "cpu"});
  return all;
}

class GoldenModelsTest : public test::CompiledModel, public testing::WithParamInterface<Setting> {
protected:
  // How far logits may be from float64, relative to the largest one.
  double tolerance() const { return isExact() ? 1e-4 : GetParam().storage == "f16" ? 5e-3 : 4e-2; }
  bool isExact() const { return GetParam().storage == "f32" && GetParam().kvStorage == "f32"; }

  // Compiles the checkpoint for steps of at most so many tokens (0: the usual number) and loads it.
  void load(uint32_t batchTokens) {
    const Setting &setting = GetParam();
    CompileRequest request;
    request.model = setting.checkpoint;
    request.output = pathOf("model.qpu");
    request.storage = setting.storage;
    request.kvStorage = setting.kvStorage;
    request.targets = {setting.target};
    request.maxBatchTokens = batchTokens;
    golden = json::parse(bytesOf(test::goldenFile(request.model)));
    request.maxContext = golden.value("max_context", 0u);
    auto report = compile(request);
    ASSERT_TRUE(report) << report.error().message;
    auto loaded = Engine::load(request.output);
    ASSERT_TRUE(loaded) << loaded.error().message;
    engine = std::move(*loaded);
  }

  json golden;
  std::unique_ptr<Engine> engine;
};

TEST_P(GoldenModelsTest, logits_and_greedy_ids_are_those_of_transformers) {
  ASSERT_NO_FATAL_FAILURE(load(/*batchTokens=*/0));
  for (const json &one : golden["cases"]) {
    auto prompt = one["prompt_ids"].get<std::vector<int32_t>>();
    auto greedy = one["greedy_ids"].get<std::vector<int32_t>>();
    std::vector<float> logits;
    auto keepFirst = [&](const NewToken &token) {
      if (logits.empty())
        logits.assign(token.logits, token.logits + engine->model().vocab());
      return true;
    };
    SamplingParams sampling;
    sampling.temperature = 0;
    auto result = engine->generate(prompt, sampling, greedy.size(), keepFirst, /*wantLogits=*/true);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_LE(relativeError(logits, one["last_logits"].get<std::vector<double>>()), tolerance()) << prompt.size();
    // Rounded weights may decide a close call otherwise.
    if (isExact())
      EXPECT_EQ(result->ids, greedy) << prompt.size();
  }
}

// All prompts at once, cut into steps of seven tokens: windows and caches go on across the cuts and beside each other.
class GoldenBatchesTest : public GoldenModelsTest {};

TEST_P(GoldenBatchesTest, chunks_of_prompts_in_one_ragged_batch_give_the_golden_ids) {
  ASSERT_NO_FATAL_FAILURE(load(/*batchTokens=*/7));
  std::map<SequenceId, const json *> cases;
  std::map<SequenceId, std::vector<int32_t>> ids;
  std::map<SequenceId, std::vector<float>> logits;
  for (const json &one : golden["cases"]) {
    SamplingParams sampling;
    sampling.temperature = 0;
    auto added = engine->add(one["prompt_ids"].get<std::vector<int32_t>>(), sampling, one["greedy_ids"].size(),
                             /*wantLogits=*/true);
    ASSERT_TRUE(added) << added.error().message;
    cases[*added] = &one;
  }
  for (bool idle = false; !idle;) {
    auto step = engine->step();
    ASSERT_TRUE(step) << step.error().message;
    for (const NewToken &token : step->tokens) {
      ids[token.sequence].push_back(token.token);
      if (logits[token.sequence].empty())
        logits[token.sequence].assign(token.logits, token.logits + engine->model().vocab());
    }
    idle = step->idle();
  }
  for (const auto &[id, one] : cases) {
    EXPECT_LE(relativeError(logits[id], (*one)["last_logits"].get<std::vector<double>>()), tolerance());
    EXPECT_EQ(ids[id], (*one)["greedy_ids"].get<std::vector<int32_t>>());
  }
}

std::vector<Setting> exactSettings() {
  std::vector<Setting> all;
  for (const std::string &checkpoint : test::goldenCheckpoints())
    all.push_back({checkpoint, "f32", "f32", "cpu"});
  return all;
}

std::string settingName(const testing::TestParamInfo<Setting> &instance) {
  std::string name = test::goldenName(instance.param.checkpoint) + "_as_" + instance.param.storage + "_with_cache_of_" +
                     instance.param.kvStorage + "_on_" + instance.param.target;
  for (char &character : name)
    if (!std::isalnum(static_cast<unsigned char>(character)))
      character = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, GoldenModelsTest, testing::ValuesIn(settings()), settingName);
INSTANTIATE_TEST_SUITE_P(Checkpoints, GoldenBatchesTest, testing::ValuesIn(exactSettings()), settingName);

} // namespace
