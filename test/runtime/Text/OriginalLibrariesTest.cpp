// Small tokenizers with every supported step, against what the original libraries gave (make_goldens.py).
#include "runtime/Text/Gguf/PreTokenizers.h"
#include "runtime/Text/HuggingFace/PreTokenizer.h"
#include "runtime/Text/Tokenizer.h"
#include "test/runtime/Text/SharedData.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace quipu;
using nlohmann::json;

namespace {

json readGoldens(const char *name) {
  return json::parse(test::readFile(std::string("test/runtime/Text/goldens/") + name), nullptr, false);
}

void checkCases(const Tokenizer &tokenizer, const json &cases, bool parseSpecial) {
  ASSERT_GE(cases.size(), 18u);
  for (const json &item : cases) {
    std::string text = item["text"];
    auto ids = tokenizer.encode(text, {/*addSpecialTokens=*/true, parseSpecial});
    ASSERT_TRUE(ids) << ids.error().message;
    EXPECT_EQ(*ids, item["ids"].get<std::vector<int32_t>>()) << text;
    EXPECT_EQ(tokenizer.decode(item["ids"]), item["decoded"].get<std::string>()) << text;
  }
}

// The tokenizer as it is, and as an artifact gives it back.
void checkBoth(const Tokenizer &tokenizer, const json &cases, bool parseSpecial) {
  checkCases(tokenizer, cases, parseSpecial);
  auto again = Tokenizer::deserialize(tokenizer.serialize());
  ASSERT_TRUE(again) << again.error().message;
  checkCases(**again, cases, parseSpecial);
}

TEST(OriginalLibrariesTest, tokenizer_json_variants_agree) {
  json goldens = readGoldens("tokenizer_json.json");
  ASSERT_TRUE(goldens.is_object()) << "run in the repository's root";
  EXPECT_GE(goldens["variants"].size(), 37u);
  for (const json &variant : goldens["variants"]) {
    SCOPED_TRACE(variant["name"].get<std::string>());
    json file = goldens["bases"][variant["base"].get<std::string>()];
    for (const auto &[key, value] : variant["fields"].items())
      (key.rfind("model.", 0) == 0 ? file["model"][key.substr(6)] : file[key]) = value;
    auto tokenizer = Tokenizer::fromBytes(TokenizerFormat::HuggingFace, file.dump(), {}, "tokenizer.json");
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    checkBoth(**tokenizer, variant["cases"], /*parseSpecial=*/true);
  }
}

TEST(OriginalLibrariesTest, pre_tokenizers_of_gguf_files_agree) {
  json goldens = readGoldens("pre_tokenizers.json");
  ASSERT_TRUE(goldens.is_object()) << "run in the repository's root";
  EXPECT_EQ(goldens["rows"].size(), 26u);
  for (const json &row : goldens["rows"]) {
    SCOPED_TRACE(row["name"].get<std::string>());
    const NamedPreTokenizer *named = findPreTokenizer(row["name"].get<std::string>());
    ASSERT_NE(named, nullptr);
    auto preTokenizer = PreTokenizer::fromJson(&named->steps, "steps");
    ASSERT_TRUE(preTokenizer) << preTokenizer.error().message;
    for (size_t i = 0; i < goldens["texts"].size(); ++i) {
      auto list = preTokenizer->apply(goldens["texts"][i], /*startsInput=*/true);
      ASSERT_TRUE(list) << list.error().message;
      std::vector<std::string> words;
      for (const Span &span : list->words)
        words.emplace_back(list->word(span));
      EXPECT_EQ(words, row["words"][i].get<std::vector<std::string>>());
    }
  }
}

std::string fromHex(const std::string &hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

TEST(OriginalLibrariesTest, sentencepiece_models_agree) {
  json goldens = readGoldens("sentencepiece.json");
  ASSERT_TRUE(goldens.is_array()) << "run in the repository's root";
  EXPECT_EQ(goldens.size(), 4u);
  for (const json &variant : goldens) {
    SCOPED_TRACE(variant["name"].get<std::string>());
    auto tokenizer =
        Tokenizer::fromBytes(TokenizerFormat::SentencePiece, fromHex(variant["model"]), {}, "tokenizer.model");
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    // The library itself never reads control symbols out of a text.
    checkBoth(**tokenizer, variant["cases"], /*parseSpecial=*/false);
  }
}

} // namespace
