// The engine on the toy model: what it generates is what the formula gives, alone or with others in a step.
#include "runtime/Engine/Engine.h"
#include "test/runtime/Artifact/ToyModel.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>

using namespace quipu;

namespace {

// Ids below eos that do not repeat soon.
std::vector<int32_t> prompt(size_t length, int32_t seed) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < length; ++i)
    ids.push_back(static_cast<int32_t>((static_cast<size_t>(seed) * 31 + i * 17 + i * i) % 10));
  return ids;
}

class EngineTest : public testing::Test {
protected:
  void load(const EngineOptions &options = {}, const toy::Options &model = {}) {
    toy::write(folder.file("toy.qpu"), model);
    Expected<std::unique_ptr<Engine>> loaded = Engine::load(folder.file("toy.qpu"), options);
    ASSERT_TRUE(loaded) << loaded.error().message;
    engine = std::move(*loaded);
  }

  // Runs until nothing is left to do; what each sequence generated.
  std::map<SequenceId, std::vector<int32_t>> finishAll() {
    std::map<SequenceId, std::vector<int32_t>> generated;
    for (;;) {
      Expected<StepResult> result = engine->step();
      if (!result)
        ADD_FAILURE() << result.error().message;
      if (!result || result->idle())
        return generated;
      mostTokens = std::max(mostTokens, result->promptTokens + result->decodeTokens);
      mostRows = std::max(mostRows, result->tokens.size());
      mostWaiting = std::max(mostWaiting, result->waiting);
      for (const NewToken &token : result->tokens)
        generated[token.sequence].push_back(token.token);
    }
  }

  std::string errorOf(std::vector<int32_t> ids, const SamplingParams &sampling = {}, uint32_t maxNew = 1) {
    Expected<SequenceId> id = engine->add(std::move(ids), sampling, maxNew);
    return id ? "" : id.error().message;
  }

  toy::TemporaryFolder folder;
  std::unique_ptr<Engine> engine;
  size_t mostTokens = 0, mostRows = 0, mostWaiting = 0; // of one step
};

TEST_F(EngineTest, greedy_text_is_what_the_formula_gives_with_any_number_of_threads) {
  for (uint32_t threads : {1, 2, 3, 7}) {
    EngineOptions options;
    options.threads = threads;
    ASSERT_NO_FATAL_FAILURE(load(options));
    for (size_t length : {1, 24, 50}) {
      std::vector<int32_t> ids = prompt(length, 3);
      Expected<GenerateResult> result = engine->generate(ids, {}, 12);
      ASSERT_TRUE(result) << result.error().message;
      EXPECT_EQ(result->ids, toy::greedy(ids, 12)) << length << " tokens, " << threads << " threads";
    }
  }
}

// Prompts shorter and longer than a step, more sequences than fit at once, with every number of threads.
TEST_F(EngineTest, a_sequence_generates_the_same_alone_and_in_a_ragged_batch) {
  for (uint32_t threads : {1, 2, 3, 7}) {
    EngineOptions options;
    options.threads = threads;
    ASSERT_NO_FATAL_FAILURE(load(options));
    std::map<SequenceId, std::vector<int32_t>> expected;
    int32_t seed = 0;
    for (size_t length : {1, 40, 7, 16, 33, 2, 17}) {
      std::vector<int32_t> ids = prompt(length, ++seed);
      Expected<SequenceId> id = engine->add(ids, {}, 4 + static_cast<uint32_t>(length) % 9);
      ASSERT_TRUE(id) << id.error().message;
      expected[*id] = toy::greedy(ids, 4 + static_cast<uint32_t>(length) % 9);
    }
    EXPECT_EQ(finishAll(), expected) << threads << " threads";
    EXPECT_EQ(mostTokens, 24u); // steps are filled
    EXPECT_GT(mostRows, 1u);    // and mixed
  }
}

TEST_F(EngineTest, sampled_text_does_not_depend_on_the_other_sequences) {
  ASSERT_NO_FATAL_FAILURE(load());
  SamplingParams sampling;
  sampling.temperature = 20;
  sampling.topP = 0.95f;
  sampling.repetitionPenalty = 1.1f;
  std::map<SequenceId, std::vector<int32_t>> together, alone;
  for (bool mixed : {false, true})
    for (int32_t i = 0; i < 6; ++i) {
      sampling.seed = static_cast<uint64_t>(i);
      Expected<SequenceId> id = engine->add(prompt(static_cast<size_t>(3 + 5 * i), i), sampling, 10);
      ASSERT_TRUE(id);
      if (!mixed)
        alone[static_cast<SequenceId>(i)] = finishAll()[*id];
      else if (i == 5)
        for (auto &[sequence, ids] : finishAll())
          together[sequence - (*id - 5)] = ids;
    }
  EXPECT_EQ(alone, together);
  EXPECT_NE(alone[0], alone[1]);
}

// Draw by draw, with what the sequence has seen; sequences with a penalty and without in one step.
TEST_F(EngineTest, sampled_text_is_what_the_formula_gives) {
  ASSERT_NO_FATAL_FAILURE(load());
  std::map<SequenceId, std::vector<int32_t>> expected;
  for (int32_t i = 0; i < 4; ++i) {
    SamplingParams sampling;
    sampling.temperature = i == 3 ? 0 : 1e-6f;
    sampling.repetitionPenalty = i % 2 == 1 ? 9 : 1;
    sampling.seed = static_cast<uint64_t>(i);
    sampling.ignoreEos = true;
    std::vector<int32_t> ids = prompt(static_cast<size_t>(3 + 9 * i), i);
    Expected<SequenceId> id = engine->add(ids, sampling, 8);
    ASSERT_TRUE(id);
    for (uint64_t drawn = 0; drawn < 8; ++drawn) {
      ids.push_back(toy::sampleOf(toy::logitsOf(ids), rowSampling(sampling, drawn), ids));
      expected[*id].push_back(ids.back());
    }
  }
  EXPECT_EQ(finishAll(), expected);
  EXPECT_GT(mostRows, 3u);
}

TEST_F(EngineTest, sequences_wait_until_the_pool_has_room) {
  EngineOptions options;
  options.kvPages = 3;
  ASSERT_NO_FATAL_FAILURE(load(options));
  std::map<SequenceId, std::vector<int32_t>> expected;
  for (int32_t seed = 1; seed <= 5; ++seed) {
    std::vector<int32_t> ids = prompt(20, seed);
    Expected<SequenceId> id = engine->add(ids, {}, 6); // 25 positions: two pages
    ASSERT_TRUE(id);
    expected[*id] = toy::greedy(ids, 6);
  }
  EXPECT_EQ(finishAll(), expected);
  EXPECT_EQ(mostWaiting, 4u);
  EXPECT_EQ(errorOf(prompt(40, 1), {}, 20), "40 prompt tokens and 20 new ones take 4 KV pages, the pool has 3");
}

TEST_F(EngineTest, sequences_wait_where_a_step_has_no_row_for_them) {
  EngineOptions options;
  options.maxSequences = 12;
  toy::Options model;
  model.maxRows = 2;
  ASSERT_NO_FATAL_FAILURE(load(options, model));
  std::map<SequenceId, std::vector<int32_t>> expected;
  for (int32_t seed = 1; seed <= 12; ++seed) {
    std::vector<int32_t> ids = prompt(3, seed);
    Expected<SequenceId> id = engine->add(ids, {}, 5);
    ASSERT_TRUE(id);
    expected[*id] = toy::greedy(ids, 5);
  }
  EXPECT_EQ(finishAll(), expected);
  EXPECT_EQ(mostRows, 2u);
}

TEST_F(EngineTest, ends_at_eos_at_the_length_and_when_the_context_is_full) {
  ASSERT_NO_FATAL_FAILURE(load());
  std::vector<int32_t> ids;
  for (size_t length = 4; length < 24 && ids.empty(); ++length) {
    ids = prompt(length, static_cast<int32_t>(length) - 4);
    std::vector<int32_t> text = toy::greedy(ids, 20);
    if (text.back() != toy::eos || text.size() < 3)
      ids.clear();
  }
  ASSERT_FALSE(ids.empty()) << "no prompt leads to eos";
  Expected<GenerateResult> result = engine->generate(ids, {}, 20);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finish, FinishReason::Eos);
  EXPECT_EQ(result->ids, toy::greedy(ids, 20));
  SamplingParams past;
  past.ignoreEos = true;
  result = engine->generate(ids, past, 20);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finish, FinishReason::Length);
  EXPECT_EQ(result->ids.size(), 20u);

  result = engine->generate(prompt(5, 3), {}, 1);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finish, FinishReason::Length);
  EXPECT_EQ(result->ids.size(), 1u);

  result = engine->generate(prompt(64, 3), {}, 5);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finish, FinishReason::ContextFull);
  EXPECT_EQ(result->ids.size(), 1u); // it needs no position of its own
}

TEST_F(EngineTest, the_callback_sees_every_token_and_its_logits_and_can_stop) {
  ASSERT_NO_FATAL_FAILURE(load());
  std::vector<int32_t> ids = prompt(30, 2), seen;
  auto onToken = [&](const NewToken &token) {
    std::vector<int32_t> before = ids;
    before.insert(before.end(), seen.begin(), seen.end());
    std::vector<float> expected = toy::logitsOf(before);
    EXPECT_EQ(std::vector<float>(token.logits, token.logits + toy::vocab), expected);
    seen.push_back(token.token);
    return seen.size() < 3;
  };
  Expected<GenerateResult> result = engine->generate(ids, {}, 12, onToken, true);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->ids, seen);
  EXPECT_EQ(seen.size(), 3u);
  EXPECT_EQ(result->finish, FinishReason::Stopped);
  EXPECT_TRUE(finishAll().empty()); // nothing of it is left
}

TEST_F(EngineTest, a_callback_that_cancels_its_sequence_ends_it) {
  ASSERT_NO_FATAL_FAILURE(load());
  auto onToken = [&](const NewToken &token) { return engine->cancel(token.sequence); };
  Expected<GenerateResult> result = engine->generate(prompt(30, 2), {}, 12, onToken);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->ids.size(), 1u);
  EXPECT_EQ(result->finish, FinishReason::Stopped);
}

TEST_F(EngineTest, logits_that_are_not_numbers_are_an_error_and_other_sequences_go_on_without) {
  ASSERT_NO_FATAL_FAILURE(load());
  SequenceId broken = engine->add(prompt(3, 1), {}, 5).value(), sound = engine->add(prompt(3, 2), {}, 5).value();
  ASSERT_TRUE(engine->step());
  LoadedProgram &program = engine->loadedProgram();
  const auto &buffers = *program.target().buffers();
  std::vector<std::vector<float>> saved;
  auto eachWeight = [&](auto &&visit) {
    for (uint32_t i = 0; i < buffers.size(); ++i)
      if (buffers[i]->kind() == fb::BufferKind::weight)
        visit(i, program.plan().buffers[i].bytes);
  };
  eachWeight([&](uint32_t buffer, uint64_t bytes) {
    saved.emplace_back(bytes / sizeof(float));
    std::vector<float> none(saved.back().size(), NAN);
    ASSERT_TRUE(program.read(buffer, 0, saved.back().data(), bytes));
    ASSERT_TRUE(program.write(buffer, 0, none.data(), bytes));
  });
  for (int attempt = 0; attempt < 2; ++attempt) {
    Expected<StepResult> result = engine->step();
    ASSERT_FALSE(result);
    EXPECT_EQ(
        result.error().message,
        fmt::format("sequence {}: logits are not numbers; `quipu verify` names the first launch at fault", broken));
  }
  size_t next = 0;
  eachWeight(
      [&](uint32_t buffer, uint64_t bytes) { ASSERT_TRUE(program.write(buffer, 0, saved[next++].data(), bytes)); });
  EXPECT_TRUE(engine->cancel(broken));
  std::vector<int32_t> rest = toy::greedy(prompt(3, 2), 5);
  rest.erase(rest.begin());
  EXPECT_EQ(finishAll(), (std::map<SequenceId, std::vector<int32_t>>{{sound, rest}}));
}

TEST_F(EngineTest, score_gives_the_logits_of_every_position) {
  ASSERT_NO_FATAL_FAILURE(load());
  std::vector<int32_t> ids = prompt(64, 5);
  for (size_t firstRow : {size_t(0), size_t(1), size_t(32), size_t(63)}) {
    size_t next = firstRow;
    auto onRow = [&](size_t position, const float *logits) {
      EXPECT_EQ(position, next++);
      std::vector<float> expected = toy::logitsOf({ids.begin(), ids.begin() + static_cast<long>(position) + 1});
      EXPECT_EQ(std::vector<float>(logits, logits + toy::vocab), expected);
    };
    Expected<void> result = engine->score(ids, firstRow, onRow);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(next, ids.size());
  }
}

TEST_F(EngineTest, refuses_prompts_that_cannot_be) {
  ASSERT_NO_FATAL_FAILURE(load());
  EXPECT_EQ(errorOf({}), "the prompt has no tokens");
  EXPECT_EQ(errorOf({1, -1}), "the prompt has token id -1, outside the vocabulary of 11");
  EXPECT_EQ(errorOf({1, 11}), "the prompt has token id 11, outside the vocabulary of 11");
  EXPECT_EQ(errorOf({1}, {}, 0), "the number of new tokens must be at least 1");
  EXPECT_EQ(errorOf(prompt(65, 1)), "the prompt has 65 tokens, more than the context of 64; shorten it, or raise "
                                    "--max-context where the model allows it");
  SamplingParams sampling;
  sampling.topP = 0;
  EXPECT_EQ(errorOf({1}, sampling), "top-p 0 must be above 0 and at most 1");
}

TEST_F(EngineTest, context_can_be_raised_at_load_up_to_the_limit_of_the_model) {
  EngineOptions options;
  options.maxContext = 128;
  ASSERT_NO_FATAL_FAILURE(load(options));
  std::vector<int32_t> ids = prompt(100, 4);
  Expected<GenerateResult> result = engine->generate(ids, {}, 10);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->ids, toy::greedy(ids, 10));
}

TEST_F(EngineTest, cancelled_sequences_leave_their_pages) {
  EngineOptions options;
  options.kvPages = 4;
  ASSERT_NO_FATAL_FAILURE(load(options));
  for (int round = 0; round < 10; ++round) {
    Expected<SequenceId> id = engine->add(prompt(50, 1), {}, 10);
    ASSERT_TRUE(id);
    ASSERT_TRUE(engine->step());
    EXPECT_TRUE(engine->cancel(*id));
    EXPECT_FALSE(engine->cancel(*id));
  }
  Expected<GenerateResult> result = engine->generate(prompt(50, 1), {}, 10);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->ids, toy::greedy(prompt(50, 1), 10));
}

TEST_F(EngineTest, null_device_generates_token_0_until_the_length) {
  EngineOptions options;
  options.device = "null";
  ASSERT_NO_FATAL_FAILURE(load(options));
  Expected<GenerateResult> result = engine->generate(prompt(30, 1), {}, 5);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->ids, std::vector<int32_t>(5, 0));
}

TEST_F(EngineTest, an_unknown_device_is_named) {
  toy::write(folder.file("toy.qpu"));
  EngineOptions options;
  options.device = "tpu";
  Expected<std::unique_ptr<Engine>> loaded = Engine::load(folder.file("toy.qpu"), options);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "device 'tpu' is unknown: there are auto, cpu, cuda, hip, null, simt");
}

} // namespace
