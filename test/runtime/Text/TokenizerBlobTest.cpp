// The form in which an artifact carries a tokenizer, whole and damaged.
#include "runtime/Text/HuggingFace/HuggingFaceModel.h"
#include "runtime/Text/Tokenizer.h"

#include <gtest/gtest.h>

using namespace quipu;

namespace {

constexpr std::string_view kJson = R"({
  "added_tokens": [{"id": 4, "content": "<s>", "special": true}],
  "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "abab": 7}, "merges": ["a b", "ab ab"]}})";

std::string blob() {
  TokenizerSettings settings;
  settings.bos = 4;
  settings.eos = {4, 2};
  settings.chatTemplate = "{{ bos_token }}";
  auto tokenizer = Tokenizer::fromBytes(TokenizerFormat::HuggingFace, kJson, settings, "t.json");
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return (*tokenizer)->serialize();
}

TEST(TokenizerBlobTest, keeps_everything) {
  auto tokenizer = Tokenizer::deserialize(blob());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->bos(), 4);
  EXPECT_EQ((*tokenizer)->eos(), (std::vector<int32_t>{4, 2}));
  EXPECT_TRUE((*tokenizer)->isEos(2));
  EXPECT_FALSE((*tokenizer)->isEos(1));
  EXPECT_EQ((*tokenizer)->chatTemplate(), "{{ bos_token }}");
  EXPECT_EQ((*tokenizer)->vocabSize(), 8);
  EXPECT_EQ((*tokenizer)->tokenText(7), "abab");
  EXPECT_EQ((*tokenizer)->tokenText(5), "");
  EXPECT_EQ(*(*tokenizer)->encode("<s>ababab"), (std::vector<int32_t>{4, 7, 2}));
}

TEST(TokenizerBlobTest, is_the_same_for_the_same_input) { EXPECT_EQ(blob(), blob()); }

TEST(TokenizerBlobTest, every_cut_is_an_error) {
  std::string whole = blob();
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(Tokenizer::deserialize(std::string_view(whole).substr(0, length))) << length;
  EXPECT_FALSE(Tokenizer::deserialize(whole + "x"));
}

// Only the bits that fill the last byte of the compressed stream, before its checksum, say nothing: the tokenizer is
// the same. An artifact's digests find those as well (DamageTest).
TEST(TokenizerBlobTest, every_flipped_bit_that_says_something_is_refused) {
  std::string whole = blob();
  int accepted = 0;
  for (size_t i = 0; i < whole.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ 1 << bit);
      auto tokenizer = Tokenizer::deserialize(damaged);
      if (!tokenizer)
        continue;
      EXPECT_EQ((*tokenizer)->serialize(), whole) << "bit " << bit << " of byte " << i;
      ++accepted;
    }
  EXPECT_LT(accepted, 8);
}

// Below the compression, whose checksum keeps damage away from the tables: a flip may make other tables, with another
// letter in a token, say. What is taken is whole: it encodes, and written again it reads as the same.
TEST(TokenizerBlobTest, damaged_tables_are_refused_or_other_valid_ones) {
  auto model = HuggingFaceModel::fromJson(kJson, "t.json");
  ASSERT_TRUE(model) << model.error().message;
  std::string whole = (*model)->toCompact();
  int refused = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(HuggingFaceModel::fromCompact(whole.substr(0, i), "tables")) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ 1 << bit);
      auto again = HuggingFaceModel::fromCompact(damaged, "tables");
      refused += !again;
      std::vector<int32_t> ids;
      if (!again)
        continue;
      (void)(*again)->encode("<s>ababab", true, ids);
      auto third = HuggingFaceModel::fromCompact((*again)->toCompact(), "tables");
      ASSERT_TRUE(third) << "bit " << bit << " of byte " << i << ": " << third.error().message;
      EXPECT_EQ((*third)->toCompact(), (*again)->toCompact()) << "bit " << bit << " of byte " << i;
    }
  }
  EXPECT_GT(refused, static_cast<int>(whole.size()));
}

TEST(TokenizerBlobTest, another_version_says_what_to_do) {
  std::string newer = blob();
  newer[8] = 9;
  EXPECT_EQ(Tokenizer::deserialize(newer).error().message,
            "tokenizer section: has version 9, this program reads 1; compile the model again");
}

TEST(TokenizerBlobTest, ids_outside_of_the_vocabulary_are_refused) {
  TokenizerSettings settings;
  settings.eos = {8};
  auto tokenizer = Tokenizer::fromBytes(TokenizerFormat::HuggingFace, kJson, settings, "t.json");
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().message, "t.json: eos id 8 is outside of the vocabulary of 8");
}

} // namespace
