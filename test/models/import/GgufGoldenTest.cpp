// Real vocabularies in GGUF files against ids that other programs gave for the same texts.
#include "models/import/CheckpointTokenizer.h"
#include "runtime/Text/UnicodeClasses.h"
#include "test/models/import/GgufWriter.h"
#include "test/runtime/Text/SharedData.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace quipu;
using namespace quipu::models;
using test::GgufWriter;

namespace {

using Ids = std::vector<int32_t>;

// Texts and ids of a golden vocabulary, one case a line of ids. llama.cpp normalises no text and the models' own
// tokenizers do, so what is in no normal form has other ids here.
void expectGolden(const Tokenizer &tokenizer, const std::string &golden) {
  constexpr std::string_view separator = "\n__ggml_vocab_test__\n";
  std::string texts = test::readFile(golden + ".inp");
  std::istringstream rows(test::readFile(golden + ".out"));
  size_t cases = 0;
  for (size_t at = 0; at < texts.size(); ++cases) {
    size_t end = std::min(texts.find(separator, at), texts.size());
    std::string text = texts.substr(at, end - at), row;
    at = end + separator.size();
    ASSERT_TRUE(std::getline(rows, row));
    if (normalizeUnicode(text, NormalForm::NFC) != text)
      continue;
    std::istringstream numbers(row);
    Ids expected{std::istream_iterator<int32_t>(numbers), std::istream_iterator<int32_t>()};
    auto ids = tokenizer.encode(text, {/*addSpecialTokens=*/false, /*parseSpecialTokens=*/false});
    ASSERT_TRUE(ids) << ids.error().message;
    EXPECT_EQ(*ids, expected) << text;
    EXPECT_EQ(tokenizer.decode(*ids), text);
  }
  EXPECT_GE(cases, 46u);
}

void expectGoldenFile(const std::string &path) {
  SCOPED_TRACE(path);
  auto tokenizer = openTokenizer(path);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  expectGolden(**tokenizer, path);
  auto again = Tokenizer::deserialize((*tokenizer)->serialize());
  ASSERT_TRUE(again) << again.error().message;
  expectGolden(**again, path);
}

TEST(GgufGoldenVocabulary, files_give_the_golden_ids_before_and_after_the_artifact) {
  for (const char *name : {"gpt-2", "llama-spm"}) {
    std::string path = test::sharedData(std::string("tokenizers/golden/ggml-vocab-") + name + ".gguf");
    if (!test::exists(path))
      GTEST_SKIP() << "no " << path;
    expectGoldenFile(path);
  }
}

// A folder of llama.cpp's ggml-vocab-*.gguf with their .inp and .out.
TEST(GgufGoldenVocabulary, every_file_of_a_folder_gives_the_golden_ids) {
  const char *folder = std::getenv("QUIPU_VOCABULARIES");
  if (!folder)
    GTEST_SKIP() << "QUIPU_VOCABULARIES names no folder";
  size_t files = 0;
  for (const auto &entry : std::filesystem::directory_iterator(folder)) {
    std::string path = entry.path();
    if (entry.path().extension() != ".gguf" || !test::exists(path + ".inp"))
      continue;
    expectGoldenFile(path);
    ++files;
  }
  EXPECT_GT(files, 0u) << folder;
}

// The other pre-tokenizers have no GGUF file among the shared data, so vocabulary and merges come from tokenizer.json.
TEST(GgufGoldenVocabulary, named_pre_tokenizers_give_the_golden_ids) {
  for (auto [pre, folder] : {std::pair("llama-bpe", "llama3_1"), std::pair("qwen2", "qwen3")}) {
    std::string path = test::sharedData(std::string("tokenizers/") + folder + "/tokenizer.json");
    if (!test::exists(path))
      GTEST_SKIP() << "no " << path;
    auto model = nlohmann::json::parse(test::readFile(path))["model"];
    std::vector<std::string> tokens, merges;
    for (const auto &[text, id] : model["vocab"].items()) {
      tokens.resize(std::max(tokens.size(), id.get<size_t>() + 1));
      tokens[id.get<size_t>()] = text;
    }
    for (const auto &merge : model["merges"])
      merges.push_back(merge.is_string() ? merge.get<std::string>()
                                         : merge[0].get<std::string>() + " " + merge[1].get<std::string>());
    GgufWriter gguf;
    gguf.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", pre);
    gguf.strings("tokenizer.ggml.tokens", tokens).strings("tokenizer.ggml.merges", merges);
    std::string bytes = gguf.file();
    auto file = GgufFile::parse(reinterpret_cast<const std::byte *>(bytes.data()), bytes.size(), "v.gguf");
    ASSERT_TRUE(file) << file.error().message;
    auto tokenizer = readGgufTokenizer(*file);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    expectGolden(**tokenizer, test::sharedData(std::string("tokenizers/golden/ggml-vocab-") + pre + ".gguf"));
  }
}

} // namespace
