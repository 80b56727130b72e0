// Which files of a folder count, and which of them wins.
#include "runtime/Text/Tokenizer.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace quipu;

namespace {

constexpr const char *kJson = R"({"model": {"vocab": {"a": 0, "<s>": 1, "</s>": 2, "<end>": 3}, "merges": []}})";

class TokenizerFilesTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "tokenizer-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  void write(const char *name, const std::string &text) {
    std::ofstream(folder + "/" + name, std::ios::binary) << text;
  }
  std::string error() {
    auto tokenizer = Tokenizer::fromFiles(folder);
    std::string message = tokenizer ? "no error" : tokenizer.error().message;
    return message.rfind(folder, 0) == 0 ? message.substr(folder.size()) : message;
  }
  std::string folder;
};

TEST_F(TokenizerFilesTest, generation_config_wins_over_names) {
  write("tokenizer.json", kJson);
  write("tokenizer_config.json", R"({"bos_token": "<s>", "eos_token": {"content": "</s>"}, "unknown": [1]})");
  auto named = Tokenizer::fromFiles(folder);
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_EQ((*named)->bos(), 1);
  EXPECT_EQ((*named)->eos(), std::vector<int32_t>{2});

  write("config.json", R"({"eos_token_id": 0, "bos_token_id": null})");
  write("generation_config.json", R"({"eos_token_id": [2, 3]})");
  auto given = Tokenizer::fromFiles(folder);
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ((*given)->bos(), 1);
  EXPECT_EQ((*given)->eos(), (std::vector<int32_t>{2, 3}));
}

TEST_F(TokenizerFilesTest, chat_template_comes_from_its_own_file_first) {
  write("tokenizer.json", kJson);
  write("tokenizer_config.json", R"({"chat_template": [{"name": "tool_use", "template": "T"},
                                                       {"name": "default", "template": "D"}]})");
  EXPECT_EQ((*Tokenizer::fromFiles(folder))->chatTemplate(), "D");
  write("chat_template.jinja", "J");
  EXPECT_EQ((*Tokenizer::fromFiles(folder))->chatTemplate(), "J");
}

TEST_F(TokenizerFilesTest, errors_name_the_file) {
  EXPECT_EQ(error(), ": has neither tokenizer.json nor tokenizer.model");
  write("tokenizer.json", "{");
  EXPECT_EQ(error(), "/tokenizer.json: is not valid JSON");
  write("tokenizer.json", kJson);
  write("generation_config.json", R"({"eos_token_id": "x"})");
  EXPECT_EQ(error(), "/generation_config.json: 'eos_token_id' is neither a token id nor a list of them");
  write("generation_config.json", R"({"eos_token_id": 4})");
  EXPECT_EQ(error(), "/tokenizer.json: eos id 4 is outside of the vocabulary of 4");
  write("generation_config.json", "{}");
  write("chat_template.jinja", "\xFF");
  EXPECT_EQ(error(), "/chat_template.jinja: is not valid UTF-8 at byte 0");
}

} // namespace
