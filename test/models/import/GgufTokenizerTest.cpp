// Tokenizers from GGUF files: small ones written here.
#include "models/import/CheckpointTokenizer.h"
#include "runtime/Support/MappedFile.h"
#include "runtime/Text/Gguf/PreTokenizers.h"
#include "test/models/import/GgufWriter.h"

#include <gtest/gtest.h>

using namespace quipu;
using namespace quipu::models;
using test::GgufWriter;

namespace {

Expected<std::unique_ptr<Tokenizer>> make(const std::string &bytes) {
  auto file = GgufFile::parse(reinterpret_cast<const std::byte *>(bytes.data()), bytes.size(), "v.gguf");
  if (!file)
    return passError(std::move(file));
  return readGgufTokenizer(*file);
}

std::string messageOf(const GgufWriter &gguf) {
  auto tokenizer = make(gguf.file());
  return tokenizer ? "accepted" : tokenizer.error().message;
}

// <unk>, <s>, </s>, the space and a, b with merged pairs; ab merges before the space does.
GgufWriter sentencePiece() {
  GgufWriter gguf;
  gguf.string("tokenizer.ggml.model", "llama");
  gguf.strings("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>", "\xE2\x96\x81", "a", "b", "ab",
                                         "\xE2\x96\x81"
                                         "a"});
  gguf.numbers<float>("tokenizer.ggml.scores", GgufWriter::F32, {0, 0, 0, -3, -3, -3, -1, -2});
  gguf.numbers<int32_t>("tokenizer.ggml.token_type", GgufWriter::I32, {2, 3, 3, 1, 1, 1, 1, 1});
  return gguf;
}

// a, b, the byte-level space, ab, a special token, a user-defined one and padding.
GgufWriter byteLevel(const std::string &pre) {
  GgufWriter gguf;
  gguf.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", pre);
  gguf.strings("tokenizer.ggml.tokens", {"a", "b", "\xC4\xA0", "ab", "<|end|>", "<tool>", "[PAD6]"});
  gguf.numbers<int32_t>("tokenizer.ggml.token_type", GgufWriter::I32, {1, 1, 1, 1, 3, 4, 5});
  gguf.strings("tokenizer.ggml.merges", {"a b"});
  return gguf;
}

using Ids = std::vector<int32_t>;

TEST(GgufTokenizer, sentencepiece_by_scores_with_bos_by_default) {
  auto tokenizer = make(sentencePiece().file());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("ab a"), (Ids{1, 3, 6, 7}));
  EXPECT_EQ((*tokenizer)->decode({1, 3, 6, 7, 2}), "ab a");
  EXPECT_EQ((*tokenizer)->eos(), Ids{2});
}

TEST(GgufTokenizer, flags_in_the_file_count) {
  GgufWriter gguf = sentencePiece();
  gguf.boolean("tokenizer.ggml.add_bos_token", false).boolean("tokenizer.ggml.add_eos_token", true);
  gguf.boolean("tokenizer.ggml.add_space_prefix", false).u32("tokenizer.ggml.eos_token_id", 2);
  gguf.u32("tokenizer.ggml.eot_token_id", 5).string("tokenizer.chat_template", "T");
  auto tokenizer = make(gguf.file());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("ab a"), (Ids{6, 7, 2}));
  EXPECT_EQ((*tokenizer)->eos(), (Ids{2, 5}));
  EXPECT_EQ((*tokenizer)->chatTemplate(), "T");
  auto again = Tokenizer::deserialize((*tokenizer)->serialize());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*(*again)->encode("ab a"), (Ids{6, 7, 2}));
}

TEST(GgufTokenizer, byte_level_merges_with_added_tokens) {
  auto tokenizer = make(byteLevel("gpt-2").file());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("ab a<|end|><tool>"), (Ids{3, 2, 0, 4, 5}));
  EXPECT_TRUE((*tokenizer)->isSpecial(4));
  EXPECT_FALSE((*tokenizer)->isSpecial(5));
  EXPECT_EQ((*tokenizer)->find("[PAD6]"), -1);
  EXPECT_EQ((*tokenizer)->decode({3, 2, 0, 5}), "ab a<tool>");
}

TEST(GgufTokenizer, llama_bpe_begins_with_bos) {
  auto tokenizer = make(byteLevel("llama-bpe").u32("tokenizer.ggml.bos_token_id", 4).file());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("ab"), (Ids{4, 3}));
}

// <unk>, <s>, U+2581, a, b, their merges, and the bytes of U+00E9.
GgufWriter gemma4() {
  const std::string space = "\xE2\x96\x81";
  GgufWriter gguf;
  gguf.string("tokenizer.ggml.model", "gemma4").u32("tokenizer.ggml.unknown_token_id", 0);
  gguf.strings("tokenizer.ggml.tokens", {"<unk>", "<s>", space, "a", "b", "ab", space + "a", "<0xC3>", "<0xA9>", "\n"});
  gguf.numbers<int32_t>("tokenizer.ggml.token_type", GgufWriter::I32, {3, 3, 1, 1, 1, 1, 1, 6, 6, 1});
  gguf.strings("tokenizer.ggml.merges", {"a b", space + " a"});
  gguf.u32("tokenizer.ggml.bos_token_id", 1);
  return gguf;
}

TEST(GgufTokenizer, gemma4_merges_whole_texts_and_falls_back_to_bytes) {
  auto tokenizer = make(gemma4().file());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("b a\nab \xC3\xA9"), (Ids{1, 4, 6, 9, 5, 2, 7, 8}));
  EXPECT_EQ((*tokenizer)->decode({1, 4, 6, 9, 5, 2, 7, 8}), "b a\nab \xC3\xA9");
  EXPECT_EQ(*(*tokenizer)->encode("z"), (Ids{1, 0})); // it has neither a token nor bytes
}

TEST(GgufTokenizer, unknown_token_is_the_one_the_file_names) {
  GgufWriter gguf = sentencePiece().u32("tokenizer.ggml.unknown_token_id", 2);
  auto tokenizer = make(gguf.file());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("az"), (Ids{1, 7, 2}));
}

TEST(GgufTokenizer, every_named_pre_tokenizer_compiles) {
  std::string names = preTokenizerNames();
  size_t count = 0;
  for (size_t at = 0; at < names.size(); ++count) {
    size_t end = std::min(names.find(", ", at), names.size());
    auto tokenizer = make(byteLevel(names.substr(at, end - at)).file());
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    EXPECT_EQ(*(*tokenizer)->encode("ab ab"), (Ids{3, 2, 3})) << names.substr(at, end - at);
    at = end + 2;
  }
  EXPECT_GE(count, 50u);
}

TEST(GgufTokenizer, other_vocabularies_are_refused_by_name) {
  EXPECT_EQ(messageOf(GgufWriter().strings("tokenizer.ggml.tokens", {"a"}).string("tokenizer.ggml.model", "t5")),
            "v.gguf: tokenizer.ggml.model is 't5'; expected llama, gpt2 or gemma4");
  EXPECT_EQ(messageOf(GgufWriter().strings("tokenizer.ggml.tokens", {"a"})),
            "v.gguf: tokenizer.ggml.model is missing; expected llama, gpt2 or gemma4");
  std::string unknown = messageOf(byteLevel("default"));
  EXPECT_EQ(unknown.substr(0, 61), "v.gguf: tokenizer.ggml.pre is 'default'; expected one of: a.x");
  EXPECT_NE(unknown.find(", qwen2, qwen35, "), std::string::npos) << unknown;
  GgufWriter gguf = sentencePiece();
  gguf.boolean("tokenizer.ggml.remove_extra_whitespaces", true);
  EXPECT_EQ(messageOf(gguf), "v.gguf: tokenizer.ggml.remove_extra_whitespaces is true, which is not supported");
  auto none = make(GgufWriter().file());
  ASSERT_TRUE(none);
  EXPECT_EQ(none->get(), nullptr);
}

TEST(GgufTokenizer, damaged_vocabularies_are_refused) {
  GgufWriter gguf;
  gguf.string("tokenizer.ggml.model", "llama").strings("tokenizer.ggml.tokens", {"<unk>", "a"});
  EXPECT_EQ(messageOf(gguf), "v.gguf: tokenizer.ggml.scores has 0 entries; expected 2, one for each token");
  GgufWriter types = gguf;
  types.numbers<int32_t>("tokenizer.ggml.token_type", GgufWriter::I32, {2});
  EXPECT_EQ(messageOf(types), "v.gguf: tokenizer.ggml.token_type has 1 entries; expected 2, one for each token");
  EXPECT_EQ(messageOf(sentencePiece().u32("tokenizer.ggml.bos_token_id", 8)),
            "v.gguf: bos id 8 is outside of the vocabulary of 8");
  EXPECT_EQ(messageOf(sentencePiece().u32("tokenizer.ggml.eos_token_id", ~0u)),
            "v.gguf: tokenizer.ggml.eos_token_id is 4294967295, which is no token id");
  EXPECT_EQ(messageOf(sentencePiece().string("tokenizer.chat_template", "\xFF")),
            "v.gguf: tokenizer.chat_template is not valid UTF-8 at byte 0");
  GgufWriter merges;
  merges.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "gpt-2");
  merges.strings("tokenizer.ggml.tokens", {"a", "b"});
  GgufWriter unknown = merges;
  EXPECT_EQ(messageOf(merges), "v.gguf: tokenizer.ggml.merges is missing or empty");
  EXPECT_EQ(messageOf(merges.strings("tokenizer.ggml.merges", {"ab"})),
            "v.gguf: merge 0 of tokenizer.ggml.merges has no space between two tokens");
  EXPECT_EQ(messageOf(unknown.strings("tokenizer.ggml.merges", {"a b"})),
            "v.gguf: model: merge 0 ('a' with 'b') names a token that the vocabulary lacks");
  GgufWriter notUtf8;
  notUtf8.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "gpt-2");
  notUtf8.strings("tokenizer.ggml.merges", {"a b"});
  EXPECT_EQ(messageOf(notUtf8.strings("tokenizer.ggml.tokens", {"\xFF"})), "v.gguf: token 0 is not valid UTF-8");
}

} // namespace
