#include "runtime/Engine/Engine.h"
#include "test/runtime/Artifact/ToyModel.h"

#include <gtest/gtest.h>
#include <map>

using namespace quipu;

namespace {

class EngineTest : public testing::Test {
protected:
  std::unique_ptr<Engine> load(const EngineOptions &options = {}, const toy::Options &model = {}) {
    toy::write(folder.file("toy.qpu"), model);
    Expected<std::unique_ptr<Engine>> engine = Engine::load(folder.file("toy.qpu"), options);
    if (!engine) {
      ADD_FAILURE() << engine.error().message;
      return nullptr;
    }
    return std::move(*engine);
  }

  // Runs until nothing is left to do; what each sequence generated.
  std::map<SequenceId, std::vector<int32_t>> finishAll(Engine &engine) {
    std::map<SequenceId, std::vector<int32_t>> generated;
    for (;;) {
      Expected<StepResult> result = engine.step();
      if (!result) {
        ADD_FAILURE() << result.error().message;
        return generated;
      }
      if (result->idle())
        return generated;
      for (const NewToken &token : result->tokens)
        generated[token.sequence].push_back(token.token);
    }
  }

  toy::TemporaryFolder folder;
};

std::vector<int32_t> prompt(size_t length, int32_t seed) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < length; ++i)
    ids.push_back(static_cast<int32_t>((seed * 31 + i * 17 + i * i) % 10));
  return ids;
}

TEST_F(EngineTest, greedy_text_is_what_the_formula_gives_with_any_number_of_threads) {
  for (uint32_t threads : {1, 2, 3, 7}) {
    EngineOptions options;
    options.threads = threads;
    std::unique_ptr<Engine> engine = load(options);
    ASSERT_TRUE(engine);
    for (size_t length : {1, 5, 24, 25, 50}) {
      std::vector<int32_t> ids = prompt(length, 3);
      Expected<GenerateResult> result = engine->generate(ids, {}, 12);
      ASSERT_TRUE(result) << result.error().message;
      EXPECT_EQ(result->ids, toy::greedy(ids, 12)) << length << " tokens, " << threads << " threads";
    }
  }
}

} // namespace
