// What a tokenizer.json may not contain, and what the rest does in small.
#include "runtime/Text/Tokenizer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace quipu;
using nlohmann::json;

namespace {

// Characters a, b, c and the byte tokens of U+00E9; merges a+b, ab+c.
json tiny() {
  return json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 9, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false, "special": true}],
    "normalizer": null, "pre_tokenizer": null, "post_processor": null,
    "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
    "model": {"type": "BPE", "unk_token": null, "byte_fallback": true,
              "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "<0xC3>": 5, "<0xA9>": 6, "<0xE2>": 7, " ": 8},
              "merges": ["a b", ["ab", "c"]]}})");
}

Expected<std::unique_ptr<Tokenizer>> make(const json &file) {
  return Tokenizer::fromBytes(TokenizerFormat::HuggingFace, file.dump(), {}, "t.json");
}

std::string errorOf(const json &file) {
  auto made = make(file);
  return made ? "no error" : made.error().message;
}

std::string errorWith(const char *pointer, const json &value) {
  json file = tiny();
  file[json::json_pointer(pointer)] = value;
  return errorOf(file);
}

TEST(TokenizerJsonTest, merges_in_order_of_rank) {
  auto tokenizer = make(tiny());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("abcab a"), (std::vector<int32_t>{4, 3, 8, 0}));
  EXPECT_EQ((*tokenizer)->vocabSize(), 10);
  EXPECT_EQ((*tokenizer)->find("<s>"), 9);
  EXPECT_EQ((*tokenizer)->tokenText(4), "abc");
}

TEST(TokenizerJsonTest, special_tokens_are_read_from_text_only_when_asked) {
  json file = tiny();
  for (const char *c : {"<", "s", ">"})
    file["model"]["vocab"][c] = 10 + static_cast<int>(file["model"]["vocab"].size());
  auto tokenizer = make(file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("a<s>"), (std::vector<int32_t>{0, 9}));
  EXPECT_EQ((*tokenizer)->encode("a<s>", {true, false})->size(), 4u);
  EXPECT_EQ((*tokenizer)->decode({9, 0}), "a");
  EXPECT_EQ((*tokenizer)->decode({9, 0}, {/*skipSpecialTokens=*/false}), "<s>a");
}

// As Hugging Face's: its neighbours merge as if it had not been there.
TEST(TokenizerJsonTest, character_without_token_is_left_out) {
  auto tokenizer = make(tiny());
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(*(*tokenizer)->encode("\xC3\xA9"), (std::vector<int32_t>{5, 6}));
  EXPECT_EQ(*(*tokenizer)
                 ->encode("a\xE2\x82\xAC"
                          "bc"),
            std::vector<int32_t>{4});
}

TEST(TokenizerJsonTest, invalid_utf8_is_named_by_its_offset) {
  auto tokenizer = make(tiny());
  ASSERT_TRUE(tokenizer);
  const std::pair<const char *, int> bad[] = {{"ab\xFF", 2}, {"a\xC3", 1}, {"\xED\xA0\x80", 0}, {"a\xC0\x80", 1}};
  for (auto [text, offset] : bad)
    EXPECT_EQ((*tokenizer)->encode(text).error().message,
              "the text is not valid UTF-8 at byte " + std::to_string(offset));
}

TEST(TokenizerJsonTest, stream_holds_back_unfinished_characters) {
  auto tokenizer = make(tiny());
  ASSERT_TRUE(tokenizer);
  DecodeStream stream = (*tokenizer)->stream();
  EXPECT_EQ(stream.push(0), "a");
  EXPECT_EQ(stream.push(5), "");
  EXPECT_EQ(stream.push(6), "\xC3\xA9");
  EXPECT_EQ(stream.push(5), "");
  EXPECT_EQ(stream.push(1), "\xEF\xBF\xBD"
                            "b"); // the byte never became a character
  EXPECT_EQ(stream.push(7), "");
  EXPECT_EQ(stream.push(1000), ""); // no such token
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
}

TEST(TokenizerJsonTest, unsupported_steps_are_refused_by_name) {
  EXPECT_EQ(errorWith("/model/type", "Unigram"),
            "t.json: model: tokenizer model 'Unigram' is not supported, only BPE is");
  EXPECT_EQ(errorWith("/normalizer", {{"type", "Precompiled"}}),
            "t.json: normalizer: normalizer 'Precompiled' is not supported");
  EXPECT_EQ(errorWith("/pre_tokenizer", {{"type", "UnicodeScripts"}}),
            "t.json: pre_tokenizer: pre-tokenizer 'UnicodeScripts' is not supported");
  EXPECT_EQ(errorWith("/post_processor", {{"type", "BertProcessing"}}),
            "t.json: post_processor: post-processor 'BertProcessing' is not supported");
  EXPECT_EQ(errorWith("/decoder", {{"type", "WordPiece"}}), "t.json: decoder: decoder 'WordPiece' is not supported");
}

TEST(TokenizerJsonTest, keys_that_could_change_the_meaning_are_refused_by_name) {
  EXPECT_EQ(errorWith("/model/new_option", true), "t.json: model: 'new_option' is not supported");
  EXPECT_EQ(errorWith("/new_stage", 1), "t.json: 'new_stage' is not supported");
  EXPECT_EQ(errorWith("/model/end_of_word_suffix", "</w>"),
            "t.json: model: 'end_of_word_suffix' of '</w>' is not supported");
  EXPECT_EQ(errorWith("/model/dropout", 0.1), "t.json: model: 'dropout' makes the ids random; set it to null");
  EXPECT_EQ(errorWith("/pre_tokenizer", {{"type", "Digits"}, {"base", 7}}),
            "t.json: pre_tokenizer: 'base' is not supported");
  EXPECT_EQ(errorWith("/model/fuse_unk", "yes"), "t.json: model: 'fuse_unk' must be true or false, got string");
}

TEST(TokenizerJsonTest, inconsistent_vocabularies_are_refused) {
  EXPECT_EQ(errorWith("/model/vocab/x", 3), "t.json: model: 'vocab': tokens 'ab' and 'x' both have the id 3");
  EXPECT_EQ(errorWith("/model/vocab/x", -1),
            "t.json: model: 'vocab': token 'x' has the id -1, which is not below 2097152");
  EXPECT_EQ(errorWith("/model/vocab/x", 1ll << 40),
            "t.json: model: 'vocab': token 'x' has the id 1099511627776, which is not below 2097152");
  EXPECT_EQ(errorWith("/model/vocab/x", "3"), "t.json: model: 'vocab': the id of 'x' must be an integer");
  EXPECT_EQ(errorWith("/model/merges/0", "b c"),
            "t.json: model: merge 0 ('b' with 'c') names a token that the vocabulary lacks");
  EXPECT_EQ(errorWith("/model/merges/0", "abc"),
            "t.json: model: 'merges': expected two tokens with a space between, got 'abc'");
  EXPECT_EQ(errorWith("/added_tokens/0/content", "ab"),
            "t.json: added_tokens: 'ab' has the id 9, but 3 in the vocabulary");
  EXPECT_EQ(errorWith("/added_tokens/0/id", 3),
            "t.json: added_tokens: '<s>' has the id 3, which is 'ab' in the vocabulary");
  EXPECT_EQ(errorWith("/model/unk_token", "<unk>"), "t.json: model: unk_token '<unk>' is not in the vocabulary");
}

TEST(TokenizerJsonTest, text_that_is_no_json_is_refused) {
  auto errorOfText = [](const std::string &text) {
    auto made = Tokenizer::fromBytes(TokenizerFormat::HuggingFace, text, {}, "t.json");
    return made ? "no error" : made.error().message;
  };
  EXPECT_EQ(errorOfText("{\"model\": "), "t.json: is not valid JSON");
  EXPECT_EQ(errorOfText("[]"), "t.json: 'model' is missing");
  EXPECT_EQ(errorOfText(std::string(100000, '[')), "t.json: JSON is nested more than 64 deep");
}

TEST(TokenizerJsonTest, hostile_expressions_end_with_an_error) {
  auto split = [](const char *pattern) {
    json file = tiny();
    file["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}};
    return file;
  };
  EXPECT_EQ(errorOf(split("a(")), "t.json: pre_tokenizer: regular expression 'a(': missing closing parenthesis");
  auto tokenizer = make(split("(a|a)*b(?<!b)"));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  auto ids = (*tokenizer)->encode(std::string(64, 'a') + 'b');
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().message, "regular expression '(a|a)*b(?<!b)': match limit exceeded");
}

TEST(TokenizerJsonTest, texts_do_not_explode) {
  json replace = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(1000, 'a')}};
  auto tokenizer = make([&] {
    json file = tiny();
    file["normalizer"] = {{"type", "Sequence"}, {"normalizers", {replace, replace, replace, replace, replace}}};
    return file;
  }());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  auto ids = (*tokenizer)->encode("aaaa");
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().message, "the tokenizer's normalizer makes the text too long");
}

TEST(TokenizerJsonTest, a_megabyte_in_one_word_takes_about_a_second) {
  auto tokenizer = make(tiny());
  ASSERT_TRUE(tokenizer);
  std::string text;
  while (text.size() < 1 << 20)
    text += "abcabcab";
  auto start = std::chrono::steady_clock::now();
  auto ids = (*tokenizer)->encode(text);
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->size(), text.size() / 8 * 3);
  // A quadratic loop takes minutes; the slack is for sanitizers and busy machines.
  EXPECT_LT(seconds.count(), 20);
}

} // namespace
