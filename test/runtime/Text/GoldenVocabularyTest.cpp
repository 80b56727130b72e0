// Real tokenizers against ids that other programs gave for the same texts.
#include "runtime/Text/Tokenizer.h"
#include "test/runtime/Text/SharedData.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace quipu;
using namespace quipu::test;

namespace {

constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";

std::vector<std::string> readTexts(const std::string &path) {
  std::string all = readFile(path);
  std::vector<std::string> texts;
  size_t at = 0;
  for (size_t end; (end = all.find(kSeparator, at)) != std::string::npos; at = end + kSeparator.size())
    texts.push_back(all.substr(at, end - at));
  if (at < all.size())
    texts.push_back(all.substr(at));
  return texts;
}

std::vector<std::vector<int32_t>> readIds(const std::string &path) {
  std::ifstream file(path);
  std::vector<std::vector<int32_t>> rows;
  for (std::string line; std::getline(file, line);) {
    std::istringstream numbers(line);
    rows.emplace_back(std::istream_iterator<int32_t>(numbers), std::istream_iterator<int32_t>());
  }
  return rows;
}

std::string testName(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

struct Vocabulary {
  const char *golden, *folder, *file;
};

class GoldenVocabularyTest : public testing::TestWithParam<Vocabulary> {
protected:
  void SetUp() override {
    if (!exists(sharedData(std::string(GetParam().folder) + "/" + GetParam().file)))
      GTEST_SKIP() << "no " << sharedData(GetParam().folder);
    auto made = Tokenizer::fromFiles(sharedData(GetParam().folder));
    ASSERT_TRUE(made) << made.error().message;
    tokenizer = std::move(*made);
  }
  std::string golden() const {
    return sharedData(std::string("tokenizers/golden/ggml-vocab-") + GetParam().golden + ".gguf");
  }
  std::unique_ptr<Tokenizer> tokenizer;
};

TEST_P(GoldenVocabularyTest, gives_the_golden_ids_and_the_text_back) {
  std::vector<std::string> texts = readTexts(golden() + ".inp");
  std::vector<std::vector<int32_t>> rows = readIds(golden() + ".out");
  ASSERT_EQ(texts.size(), 46u);
  ASSERT_EQ(rows.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    auto ids = tokenizer->encode(texts[i], {/*addSpecialTokens=*/false, /*parseSpecialTokens=*/false});
    ASSERT_TRUE(ids) << ids.error().message;
    EXPECT_EQ(*ids, rows[i]) << "text " << i << ": " << texts[i];
    EXPECT_EQ(tokenizer->decode(*ids), texts[i]);
  }
}

TEST_P(GoldenVocabularyTest, survives_the_artifact) {
  std::string blob = tokenizer->serialize();
  auto again = Tokenizer::deserialize(blob);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE((*again)->serialize() == blob); // not EXPECT_EQ: it would print megabytes
  EXPECT_EQ((*again)->vocabSize(), tokenizer->vocabSize());
  EXPECT_EQ((*again)->bos(), tokenizer->bos());
  EXPECT_EQ((*again)->eos(), tokenizer->eos());
  EXPECT_EQ((*again)->chatTemplate(), tokenizer->chatTemplate());
  for (const std::string &text : readTexts(golden() + ".inp"))
    EXPECT_EQ(*(*again)->encode(text), *tokenizer->encode(text));
}

INSTANTIATE_TEST_SUITE_P(, GoldenVocabularyTest,
                         testing::Values(Vocabulary{"gpt-2", "tokenizers/gpt2", "tokenizer.json"},
                                         Vocabulary{"llama-bpe", "tokenizers/llama3_1", "tokenizer.json"},
                                         Vocabulary{"llama-spm", "tokenizers/llama2", "tokenizer.model"},
                                         Vocabulary{"qwen2", "tokenizers/qwen3", "tokenizer.json"}),
                         [](const auto &info) { return testName(info.param.golden); });

// The checkpoints' goldens were made by a program of their own; they hold prompts, ids and the pieces of the answer.
class GoldenPromptTest : public testing::TestWithParam<const char *> {};

TEST_P(GoldenPromptTest, gives_the_prompt_ids_and_streams_the_answer) {
  std::string folder = sharedData(std::string("models/") + GetParam());
  if (!exists(folder + "/golden.json"))
    GTEST_SKIP() << "no " << folder;
  auto tokenizer = Tokenizer::fromFiles(folder);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  auto golden = nlohmann::json::parse(readFile(folder + "/golden.json"));
  ASSERT_EQ(golden["cases"].size(), 4u);
  for (const auto &item : golden["cases"]) {
    auto ids = (*tokenizer)->encode(item["prompt"].get<std::string>());
    ASSERT_TRUE(ids) << ids.error().message;
    EXPECT_EQ(*ids, item["prompt_ids"].get<std::vector<int32_t>>());
    DecodeStream stream = (*tokenizer)->stream({/*skipSpecialTokens=*/true, /*continuesText=*/true});
    for (size_t i = 0; i < item["greedy_ids"].size(); ++i) {
      std::string piece = item["greedy_text_pieces"][i];
      EXPECT_EQ(stream.push(item["greedy_ids"][i]), piece == "<0x0A>" ? "\n" : piece);
    }
    EXPECT_EQ(stream.finish(), "");
  }
}

INSTANTIATE_TEST_SUITE_P(, GoldenPromptTest, testing::Values("stories260k", "babyllama-tok105"),
                         [](const auto &info) { return testName(info.param); });

} // namespace
