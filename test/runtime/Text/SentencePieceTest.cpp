// SentencePiece models written by hand: what is refused, and how special tokens are put and found.
#include "runtime/Text/Tokenizer.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <unistd.h>

using namespace quipu;

namespace {

// Just enough of the protocol buffer encoding; all lengths here are below 128.
std::string field(int number, const std::string &bytes) {
  return {static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())};
}
std::string text(int number, const std::string &bytes) { return field(number, bytes) + bytes; }
std::string integer(int number, int value) { return {static_cast<char>(number << 3), static_cast<char>(value)}; }
std::string real(int number, float value) {
  std::string bytes(5, static_cast<char>(number << 3 | 5));
  std::memcpy(&bytes[1], &value, sizeof value);
  return bytes;
}
std::string piece(const std::string &spelling, float score, int type = 1) {
  return text(1, text(1, spelling) + real(2, score) + integer(3, type));
}

constexpr const char *kSpace = "\xE2\x96\x81";
const std::string kBpe = text(2, integer(3, 2));

// <unk>, <s>, </s>, then the space and a, b with a merged pair; ab merges before the space does.
std::string model(const std::string &more = "") {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece(kSpace, -3) + piece("a", -3) +
         piece("b", -3) + piece("ab", -1) + piece(std::string(kSpace) + "a", -2) + more + kBpe;
}

Expected<std::unique_ptr<Tokenizer>> make(const std::string &bytes, TokenizerSettings settings = {}) {
  return Tokenizer::fromBytes(TokenizerFormat::SentencePiece, bytes, std::move(settings), "t.model");
}

std::string errorOf(const std::string &bytes) {
  auto made = make(bytes);
  return made ? "no error" : made.error().message;
}

TEST(SentencePieceTest, merges_the_best_score_first) {
  auto tokenizer = make(model());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("ab a"), (std::vector<int32_t>{3, 6, 7}));
  EXPECT_EQ(*(*tokenizer)->encode(""), std::vector<int32_t>{});
  EXPECT_EQ((*tokenizer)->bos(), 1);
  EXPECT_EQ((*tokenizer)->eos(), std::vector<int32_t>{2});
  EXPECT_EQ((*tokenizer)->decode({1, 3, 6, 7, 2}), "ab a");
  EXPECT_EQ((*tokenizer)->decode({3, 6}, {true, /*continuesText=*/true}), " ab");
}

TEST(SentencePieceTest, bos_and_eos_are_put_where_the_settings_say) {
  TokenizerSettings settings;
  settings.addBos = settings.addEos = true;
  auto tokenizer = make(model(), settings);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("a"), (std::vector<int32_t>{1, 7, 2}));
  EXPECT_EQ(*(*tokenizer)->encode("a", {/*addSpecialTokens=*/false}), std::vector<int32_t>{7});
}

TEST(SentencePieceTest, control_symbols_are_read_from_text_only_when_asked) {
  auto tokenizer = make(model());
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(*(*tokenizer)->encode("a</s>b"), (std::vector<int32_t>{7, 2, 3, 5}));
  // The four characters are unknown, and a run of those is one token.
  EXPECT_EQ(*(*tokenizer)->encode("a</s>b", {true, false}), (std::vector<int32_t>{7, 0, 5}));
}

TEST(SentencePieceTest, unused_pieces_are_taken_apart_again) {
  auto tokenizer = make(model(piece("ba", -0.5, 5)));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("ba"), (std::vector<int32_t>{3, 5, 4}));
}

TEST(SentencePieceTest, other_models_are_refused_by_name) {
  std::string pieces = piece("<unk>", 0, 2);
  EXPECT_EQ(errorOf(pieces + text(2, integer(3, 1))), "t.model: Unigram models are not supported, only BPE is");
  EXPECT_EQ(errorOf(pieces + text(2, "")), "t.model: Unigram models are not supported, only BPE is"); // the default
  EXPECT_EQ(errorOf(pieces + text(2, integer(3, 4))), "t.model: character models are not supported, only BPE is");
  EXPECT_EQ(errorOf(pieces + kBpe + text(5, text(2, "rules"))), "t.model: denormalizer_spec is not supported");
}

TEST(SentencePieceTest, damaged_models_are_refused) {
  EXPECT_EQ(errorOf(""), "t.model: is not a SentencePiece model");
  EXPECT_EQ(errorOf("no model"), "t.model: is not a SentencePiece model");
  EXPECT_EQ(errorOf("IQ== 0\nIg== 1\n"),
            "t.model: is a tiktoken vocabulary, which is not supported; convert it to tokenizer.json");
  EXPECT_EQ(errorOf(kBpe), "t.model: is not a SentencePiece model");
  EXPECT_EQ(errorOf(piece("a", 0) + kBpe), "t.model: no piece is of the type 'unknown'");
  EXPECT_EQ(errorOf(model(piece("ab", 0))), "t.model: token 'ab' has two ids, 6 and 8");
  EXPECT_EQ(errorOf(model(piece("\xFF", 0))), "t.model: piece 8 is not valid UTF-8");
  EXPECT_EQ(errorOf(model(piece("c", std::numeric_limits<float>::quiet_NaN()))),
            "t.model: piece 8 has no text or a score that is not finite");
  EXPECT_EQ(errorOf(model(piece("c", 0, 7))), "t.model: piece 8 has the type 7, which is not supported");
  EXPECT_EQ(errorOf(model(piece("<0x0A>", 0, 6))), "t.model: byte fallback needs the piece <0x00>");
  EXPECT_EQ(errorOf(model(text(3, text(2, "12345678")))), "t.model: precompiled_charsmap is damaged");
}

TEST(SentencePieceTest, flipped_and_cut_bytes_never_crash) {
  std::string whole = model();
  int refused = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    refused += !make(whole.substr(0, i));
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ 1 << bit);
      if (auto tokenizer = make(damaged))
        (void)(*tokenizer)->encode("ab a\t<s>");
    }
  }
  EXPECT_EQ(refused, static_cast<int>(whole.size()));
}

TEST(SentencePieceTest, the_files_beside_the_model_count) {
  std::string folder = testing::TempDir() + "sentencepiece-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/tokenizer.model", std::ios::binary) << model();
  auto plain = Tokenizer::fromFiles(folder);
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(*(*plain)->encode("a"), (std::vector<int32_t>{1, 7}));
  std::ofstream(folder + "/tokenizer_config.json") << R"({"add_bos_token": false, "add_eos_token": true})";
  auto configured = Tokenizer::fromFiles(folder);
  ASSERT_TRUE(configured) << configured.error().message;
  EXPECT_EQ(*(*configured)->encode("a"), (std::vector<int32_t>{7, 2}));
  std::ofstream(folder + "/added_tokens.json") << R"({"<s>": 1, "[PAD]": 8})";
  auto incomplete = Tokenizer::fromFiles(folder);
  ASSERT_FALSE(incomplete);
  EXPECT_EQ(incomplete.error().message,
            folder +
                "/added_tokens.json: adds the token '[PAD]', which tokenizer.model lacks; convert the tokenizer to "
                "tokenizer.json");
  std::filesystem::remove_all(folder);
}

} // namespace
