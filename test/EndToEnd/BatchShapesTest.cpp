// What a sequence gets does not depend on what runs beside it: ragged batches against each sequence alone, on compiled
// checkpoints whose own answers are held to goldens elsewhere (golden_runs.py). And what is sampled is what the
// reference makes of the logits.
#include "compiler/Reference/Sampling.h"
#include "runtime/Engine/Engine.h"
#include "tools/quipu/CompilerLibrary.h"

#include <climits>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>

using namespace quipu;

namespace {

struct Model {
  const char *checkpoint; // under test/goldens/llama
  const char *storage;
  double tolerance; // of logits, relative to the largest: other kernel variants add in another order
};

struct Answer {
  std::vector<int32_t> ids;
  std::vector<std::vector<float>> logits; // of each step
};

class BatchShapesTest : public testing::TestWithParam<Model> {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "quipu-batch-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  // The model of the test, compiled for steps of at most `batchTokens` tokens and loaded.
  std::unique_ptr<Engine> load(uint32_t batchTokens = 0, EngineOptions options = {}) {
    auto compiler = tool::openCompiler();
    if (!compiler) {
      ADD_FAILURE() << compiler.error().message;
      return nullptr;
    }
    CompileRequest request;
    request.model = std::string("test/goldens/llama/") + GetParam().checkpoint;
    request.storage = GetParam().storage;
    request.output = fmt::format("{}/{}.qpu", folder, batchTokens);
    request.maxBatchTokens = batchTokens;
    request.maxSequences = 6;
    auto report = (*compiler)->compile(request);
    if (!report) {
      ADD_FAILURE() << report.error().message;
      return nullptr;
    }
    auto engine = Engine::load(request.output, options);
    if (!engine) {
      ADD_FAILURE() << engine.error().message;
      return nullptr;
    }
    return std::move(*engine);
  }

  static SequenceId add(Engine &engine, const std::vector<int32_t> &prompt, uint32_t newTokens,
                        SamplingParams sampling = {}) {
    sampling.ignoreEos = true;
    auto id = engine.add(prompt, sampling, newTokens, /*wantLogits=*/true);
    EXPECT_TRUE(id) << id.error().message;
    return *id;
  }

  // Steps until nothing is left to do, or at most `steps` times.
  static void run(Engine &engine, std::map<SequenceId, Answer> &answers, int steps = INT_MAX) {
    for (int i = 0; i < steps; ++i) {
      auto result = engine.step();
      ASSERT_TRUE(result) << result.error().message;
      if (result->idle())
        return;
      for (const NewToken &token : result->tokens) {
        Answer &answer = answers[token.sequence];
        answer.ids.push_back(token.token);
        answer.logits.emplace_back(token.logits, token.logits + engine.model().vocab());
      }
    }
  }

  static Answer alone(Engine &engine, const std::vector<int32_t> &prompt, uint32_t newTokens,
                      const SamplingParams &sampling = {}) {
    std::map<SequenceId, Answer> answers;
    SequenceId id = add(engine, prompt, newTokens, sampling);
    run(engine, answers);
    return answers[id];
  }

  static void expectSameLogits(const std::vector<float> &got, const std::vector<float> &expected) {
    double largest = 0, difference = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::fabs(static_cast<double>(expected[i])));
      double here = std::fabs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
      difference = std::isnan(here) ? INFINITY : std::max(difference, here);
    }
    EXPECT_LE(difference, GetParam().tolerance * largest);
  }

  static void expectSame(const Answer &got, const Answer &expected, const std::string &what) {
    SCOPED_TRACE(what);
    ASSERT_EQ(got.ids.size(), expected.ids.size());
    for (size_t i = 0; i < expected.ids.size(); ++i) {
      SCOPED_TRACE(fmt::format("step {}", i));
      expectSameLogits(got.logits[i], expected.logits[i]);
      ASSERT_EQ(got.ids[i], expected.ids[i]);
    }
  }

  // Each token is what the reference makes of the logits it was chosen from. How many are, up to one whose choice other
  // numbers within the tolerance might not make.
  static size_t expectSampled(const Answer &answer, std::vector<int32_t> tokens, const SamplingParams &sampling) {
    size_t sure = answer.ids.size();
    for (size_t i = 0; i < answer.ids.size(); ++i) {
      std::vector<double> logits(answer.logits[i].begin(), answer.logits[i].end());
      std::vector<uint32_t> seen(seenWords(logits.size()));
      for (int32_t token : tokens)
        seen[static_cast<uint32_t>(token) / 32] |= 1u << (token % 32);
      auto [token, margin] = reference::sampleRow(logits.data(), static_cast<int64_t>(logits.size()),
                                                  rowSampling(sampling, i), seen.data());
      EXPECT_TRUE(answer.ids[i] == token || margin < 1e-5)
          << "step " << i << ": " << token << " with margin " << margin;
      if (sampling.temperature > 0 && margin < 10 * GetParam().tolerance)
        sure = std::min(sure, i);
      tokens.push_back(answer.ids[i]);
    }
    return sure;
  }

  // Ids that differ from sequence to sequence.
  static std::vector<int32_t> prompt(const Engine &engine, size_t length, uint32_t salt) {
    std::vector<int32_t> ids(length);
    for (size_t i = 0; i < length; ++i)
      ids[i] = static_cast<int32_t>((i * 7919 + salt * 104729 + 5) % engine.model().vocab());
    return ids;
  }

  static constexpr size_t lengths[] = {1, 33, 2, 17, 5, 16};
  static constexpr uint32_t newTokens = 20;
  std::string folder;
};

TEST_P(BatchShapesTest, sequences_of_different_length_in_one_step_get_what_each_gets_alone) {
  auto engine = load();
  ASSERT_TRUE(engine);
  std::map<SequenceId, Answer> together;
  std::vector<SequenceId> ids;
  for (size_t i = 0; i < std::size(lengths); ++i)
    ids.push_back(add(*engine, prompt(*engine, lengths[i], static_cast<uint32_t>(i)), newTokens));
  run(*engine, together);
  for (size_t i = 0; i < std::size(lengths); ++i)
    expectSame(together[ids[i]], alone(*engine, prompt(*engine, lengths[i], static_cast<uint32_t>(i)), newTokens),
               fmt::format("prompt of {}", lengths[i]));
}

TEST_P(BatchShapesTest, sequences_that_come_and_go_leave_the_others_as_they_are) {
  auto engine = load();
  ASSERT_TRUE(engine);
  std::map<SequenceId, Answer> answers;
  SequenceId first = add(*engine, prompt(*engine, 9, 1), newTokens);
  run(*engine, answers, 3);
  SequenceId cancelled = add(*engine, prompt(*engine, 40, 2), newTokens);
  SequenceId second = add(*engine, prompt(*engine, 21, 3), newTokens);
  run(*engine, answers, 4);
  EXPECT_TRUE(engine->cancel(cancelled));
  SequenceId third = add(*engine, prompt(*engine, 3, 4), 5); // takes pages that were the cancelled one's
  run(*engine, answers);
  expectSame(answers[first], alone(*engine, prompt(*engine, 9, 1), newTokens), "first");
  expectSame(answers[second], alone(*engine, prompt(*engine, 21, 3), newTokens), "second");
  expectSame(answers[third], alone(*engine, prompt(*engine, 3, 4), 5), "third");
}

TEST_P(BatchShapesTest, prompts_in_chunks_and_a_small_pool_change_nothing) {
  auto whole = load();
  EngineOptions small;
  small.kvPages = 9; // two of the longer sequences at a time
  auto chunked = load(/*batchTokens=*/7, small);
  ASSERT_TRUE(whole && chunked);
  std::map<SequenceId, Answer> answers;
  std::vector<SequenceId> ids;
  for (size_t i = 0; i < std::size(lengths); ++i)
    ids.push_back(add(*chunked, prompt(*chunked, lengths[i], static_cast<uint32_t>(i)), newTokens));
  run(*chunked, answers);
  for (size_t i = 0; i < std::size(lengths); ++i)
    expectSame(answers[ids[i]], alone(*whole, prompt(*whole, lengths[i], static_cast<uint32_t>(i)), newTokens),
               fmt::format("prompt of {}", lengths[i]));
}

TEST_P(BatchShapesTest, more_sequences_than_were_compiled_for_get_what_each_gets_alone) {
  EngineOptions options;
  options.maxSequences = 70;
  auto engine = load(0, options);
  ASSERT_TRUE(engine);
  std::map<SequenceId, Answer> together;
  std::vector<SequenceId> ids;
  auto promptOf = [&](uint32_t i) { return prompt(*engine, 1 + i % 9, i); };
  for (uint32_t i = 0; i < options.maxSequences; ++i)
    ids.push_back(add(*engine, promptOf(i), 3));
  run(*engine, together);
  for (uint32_t i = 0; i < options.maxSequences; i += 23)
    expectSame(together[ids[i]], alone(*engine, promptOf(i), 3), fmt::format("sequence {}", i));
}

TEST_P(BatchShapesTest, threads_change_nothing) {
  for (uint32_t threads : {1, 2, 3}) {
    EngineOptions options;
    options.threads = threads;
    auto engine = load(0, options);
    ASSERT_TRUE(engine);
    static Answer expected;
    Answer answer = alone(*engine, prompt(*engine, 33, 1), newTokens);
    if (threads == 1)
      expected = answer;
    expectSame(answer, expected, fmt::format("{} threads", threads));
  }
}

// Alone twice, in a ragged batch, and with the prompts in chunks.
TEST_P(BatchShapesTest, a_seed_gives_the_same_text_that_the_reference_samples_wherever_it_runs) {
  const SamplingParams kinds[] = {{1},    {0.8f, 40, 0.95f},     {1.5f, 0, 1, 0.05f, 1.2f},
                                  {2, 5}, {1, 0, 0.5f, 0, 0.8f}, {3}};
  static_assert(std::size(kinds) == std::size(lengths), "a kind for each prompt");
  auto whole = load(), chunked = load(/*batchTokens=*/7);
  ASSERT_TRUE(whole && chunked);
  std::map<SequenceId, Answer> together, inChunks;
  std::vector<SequenceId> ids, chunkedIds;
  auto salted = [&](size_t i) { return prompt(*whole, lengths[i], static_cast<uint32_t>(i)); };
  auto samplingOf = [&](size_t i) {
    SamplingParams sampling = kinds[i];
    sampling.seed = i;
    return sampling;
  };
  for (size_t i = 0; i < std::size(lengths); ++i) {
    ids.push_back(add(*whole, salted(i), newTokens, samplingOf(i)));
    chunkedIds.push_back(add(*chunked, salted(i), newTokens, samplingOf(i)));
  }
  run(*whole, together);
  run(*chunked, inChunks);
  size_t compared = 0;
  for (size_t i = 0; i < std::size(lengths); ++i) {
    SCOPED_TRACE(fmt::format("prompt of {}", lengths[i]));
    Answer first = alone(*whole, salted(i), newTokens, samplingOf(i));
    EXPECT_EQ(alone(*whole, salted(i), newTokens, samplingOf(i)).ids, first.ids);
    SamplingParams another = samplingOf(i);
    another.seed = 77;
    EXPECT_NE(alone(*whole, salted(i), newTokens, another).ids, first.ids);
    size_t sure = expectSampled(first, salted(i), samplingOf(i));
    expectSampled(together[ids[i]], salted(i), samplingOf(i));
    compared += sure;
    for (Answer *other : {&together[ids[i]], &inChunks[chunkedIds[i]]}) {
      first.ids.resize(sure);
      other->ids.resize(sure);
      EXPECT_EQ(other->ids, first.ids);
    }
  }
  EXPECT_GT(compared, GetParam().tolerance < 1e-4 ? 5 * newTokens : newTokens);
}

// A greedy sequence with a penalty; its neighbours have none.
TEST_P(BatchShapesTest, a_penalty_is_that_of_one_sequence) {
  auto engine = load();
  ASSERT_TRUE(engine);
  SamplingParams penalty;
  penalty.repetitionPenalty = 1.5f;
  std::map<SequenceId, Answer> together;
  SequenceId before = add(*engine, prompt(*engine, 5, 1), newTokens);
  SequenceId penalised = add(*engine, prompt(*engine, 9, 2), newTokens, penalty);
  SequenceId behind = add(*engine, prompt(*engine, 3, 3), newTokens);
  run(*engine, together);
  expectSampled(together[penalised], prompt(*engine, 9, 2), penalty);
  expectSampled(together[before], prompt(*engine, 5, 1), {});
  expectSampled(together[behind], prompt(*engine, 3, 3), {});
}

// A text scored in one go, its tokens taken one by one, and chunks of it: the cache holds what the prompt would give.
TEST_P(BatchShapesTest, every_position_of_a_prompt_has_the_logits_that_decoding_gave) {
  auto engine = load();
  auto chunked = load(/*batchTokens=*/5);
  ASSERT_TRUE(engine && chunked);
  std::vector<int32_t> text = prompt(*engine, 4, 1);
  Answer decoded = alone(*engine, text, newTokens);
  text.insert(text.end(), decoded.ids.begin(), decoded.ids.end());
  for (Engine *scorer : {engine.get(), chunked.get()}) {
    size_t rows = 0;
    auto onRow = [&](size_t position, const float *logits) {
      ASSERT_EQ(position, 3 + rows);
      if (rows < decoded.logits.size())
        expectSameLogits({logits, logits + scorer->model().vocab()}, decoded.logits[rows]);
      ++rows;
    };
    auto scored = scorer->score(text, 3, onRow);
    ASSERT_TRUE(scored) << scored.error().message;
    EXPECT_EQ(rows, newTokens + 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, BatchShapesTest,
                         testing::Values(Model{"gqa_tied_f32", "f32", 1e-5}, Model{"mistral_window8_bf16", "f32", 1e-5},
                                         Model{"rope_llama3_f16", "f32", 1e-5}, Model{"mha_sharded_f32", "f32", 1e-5},
                                         Model{"bias_untied_bf16", "bf16", 1e-2}),
                         [](const auto &info) { return std::string(info.param.checkpoint); });

} // namespace
