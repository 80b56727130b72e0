// libquipu.so as a C program sees it, on the toy model with a tokenizer of its eleven tokens: the letters a to j, and
// "<end>".
#include "quipu.h"
#include "runtime/Text/Tokenizer.h"
#include "test/runtime/Artifact/ToyModel.h"

#include <cstdio>
#include <gtest/gtest.h>
#include <map>
#include <sys/wait.h>

using namespace quipu;

namespace {

constexpr const char *tokenizerJson = R"({
  "added_tokens": [{"id": 10, "content": "<end>", "special": true, "single_word": false, "lstrip": false,
                    "rstrip": false, "normalized": false}],
  "normalizer": null, "post_processor": null,
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
  "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
  "model": {"type": "BPE", "dropout": null, "unk_token": null, "fuse_unk": false, "byte_fallback": false,
            "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4, "f": 5, "g": 6, "h": 7, "i": 8, "j": 9}, "merges": []}
})";

std::string textOf(const std::vector<int32_t> &ids) {
  std::string text;
  for (int32_t id : ids)
    if (id != toy::eos)
      text += static_cast<char>('a' + id);
  return text;
}

class CApiTest : public testing::Test {
protected:
  void SetUp() override {
    TokenizerSettings settings;
    settings.eos = {toy::eos};
    Expected<std::unique_ptr<Tokenizer>> tokenizer =
        Tokenizer::fromBytes(TokenizerFormat::HuggingFace, tokenizerJson, settings, "toy");
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    ArtifactContents contents = toy::contents();
    contents.tokenizer = (*tokenizer)->serialize();
    ASSERT_TRUE(writeArtifact(path, std::move(contents)));
    char *error = nullptr;
    ASSERT_EQ(quipu_load(path.c_str(), nullptr, &engine, &error), 0) << error;
  }
  void TearDown() override { quipu_unload(engine); }

  std::vector<int32_t> tokenize(const std::string &text) {
    int32_t *ids = nullptr;
    size_t count = 0;
    char *error = nullptr;
    EXPECT_EQ(quipu_tokenize(engine, text.data(), text.size(), 1, &ids, &count, &error), 0) << error;
    std::vector<int32_t> result(ids, ids + count);
    quipu_free(ids);
    return result;
  }

  // The message of a call that failed.
  std::string take(int status, char *error) {
    EXPECT_EQ(status, 1);
    std::string message = error ? error : "";
    quipu_free(error);
    return message;
  }

  toy::TemporaryFolder folder;
  std::string path = folder.file("toy.qpu");
  quipu_engine *engine = nullptr;
};

TEST_F(CApiTest, text_goes_to_ids_and_back) {
  std::vector<int32_t> ids = tokenize("badj<end>");
  EXPECT_EQ(ids, (std::vector<int32_t>{1, 0, 3, 9, 10}));
  char *text = nullptr, *error = nullptr;
  ASSERT_EQ(quipu_detokenize(engine, ids.data(), ids.size(), &text, &error), 0);
  EXPECT_STREQ(text, "badj");
  quipu_free(text);
}

TEST_F(CApiTest, info_says_what_was_loaded) {
  quipu_model_info info;
  quipu_model_info_init(&info);
  quipu_get_info(engine, &info);
  EXPECT_EQ(info.vocab, 11u);
  EXPECT_EQ(info.max_context, 64u);
  EXPECT_EQ(info.max_sequences, 4u);
  EXPECT_GE(info.memory_bytes, uint64_t(2) << 20);
  EXPECT_EQ(info.has_tokenizer, 1);
  EXPECT_STREQ(quipu_version(), "0.1.0");
}

// A caller that was built when the struct ended behind max_context.
TEST_F(CApiTest, structs_of_older_callers_are_filled_as_far_as_they_go) {
  quipu_model_info info;
  quipu_model_info_init(&info);
  info.struct_size = offsetof(quipu_model_info, max_sequences);
  info.max_sequences = 77;
  info.memory_bytes = 78;
  quipu_get_info(engine, &info);
  EXPECT_EQ(info.vocab, 11u);
  EXPECT_EQ(info.max_context, 64u);
  EXPECT_EQ(info.max_sequences, 77u);
  EXPECT_EQ(info.memory_bytes, 78u);
  EXPECT_EQ(info.struct_size, offsetof(quipu_model_info, max_sequences));
}

struct Collected {
  std::string text;
  std::vector<int32_t> ids;
  size_t most = 1000;
};

int collect(void *user, const quipu_token *token) {
  auto *collected = static_cast<Collected *>(user);
  collected->text += token->text;
  collected->ids.push_back(token->id);
  return collected->ids.size() >= collected->most;
}

TEST_F(CApiTest, generate_streams_tokens_and_their_text) {
  std::vector<int32_t> prompt = tokenize("abcd");
  Collected collected;
  quipu_finish finish = QUIPU_FINISH_NONE;
  char *error = nullptr;
  ASSERT_EQ(quipu_generate(engine, prompt.data(), prompt.size(), nullptr, 12, collect, &collected, &finish, &error), 0);
  EXPECT_EQ(collected.ids, toy::greedy(prompt, 12));
  EXPECT_EQ(collected.text, textOf(collected.ids));
  EXPECT_EQ(finish, collected.ids.back() == toy::eos ? QUIPU_FINISH_EOS : QUIPU_FINISH_LENGTH);

  Collected stopped;
  stopped.most = 1;
  ASSERT_EQ(quipu_generate(engine, prompt.data(), prompt.size(), nullptr, 12, collect, &stopped, &finish, &error), 0);
  EXPECT_EQ(stopped.ids.size(), 1u);
  EXPECT_EQ(finish, QUIPU_FINISH_STOPPED);
}

TEST_F(CApiTest, steps_serve_several_sequences) {
  std::map<uint64_t, std::vector<int32_t>> expected, ids;
  std::map<uint64_t, std::string> texts;
  char *error = nullptr;
  for (const char *text : {"a", "hij", "fedcbafedcba", "cc", "gagaga"}) {
    std::vector<int32_t> prompt = tokenize(text);
    uint64_t sequence = 0;
    ASSERT_EQ(quipu_add(engine, prompt.data(), prompt.size(), nullptr, 9, &sequence, &error), 0);
    expected[sequence] = toy::greedy(prompt, 9);
  }
  quipu_step_result result;
  quipu_step_result_init(&result);
  for (result.working = 1; result.working;) {
    ASSERT_EQ(quipu_step(engine, &result, &error), 0);
    for (size_t i = 0; i < result.count; ++i) {
      EXPECT_EQ(result.tokens[i].struct_size, sizeof(quipu_token));
      ids[result.tokens[i].sequence].push_back(result.tokens[i].id);
      texts[result.tokens[i].sequence] += result.tokens[i].text;
    }
  }
  EXPECT_EQ(ids, expected);
  for (auto &[sequence, text] : texts)
    EXPECT_EQ(text, textOf(expected[sequence]));
}

TEST_F(CApiTest, errors_are_one_line) {
  quipu_engine *none = nullptr;
  char *error = nullptr;
  EXPECT_EQ(take(quipu_load("/absent.qpu", nullptr, &none, &error), error),
            "/absent.qpu: cannot be opened: No such file or directory");
  EXPECT_EQ(quipu_load("/absent.qpu", nullptr, &none, nullptr), 1); // an error that nobody wants
  quipu_options options;
  quipu_options_init(&options);
  options.max_context = 1000;
  EXPECT_EQ(take(quipu_load(path.c_str(), &options, &none, &error), error),
            "max context 1000 is more than the 128 positions of the model in " + path);
  EXPECT_EQ(take(quipu_generate(engine, nullptr, 0, nullptr, 1, nullptr, nullptr, nullptr, &error), error),
            "the prompt has no tokens");
  quipu_sampling sampling;
  quipu_sampling_init(&sampling);
  sampling.min_p = 2;
  int32_t prompt = 1;
  uint64_t sequence = 0;
  EXPECT_EQ(take(quipu_add(engine, &prompt, 1, &sampling, 1, &sequence, &error), error), "min-p 2 must be from 0 to 1");
  int32_t *ids = nullptr;
  size_t count = 0;
  EXPECT_NE(take(quipu_tokenize(engine, "a\xff", 2, 1, &ids, &count, &error), error), "");
}

// The example is a program in C that links the shared library.
TEST_F(CApiTest, the_example_in_c_prints_text) {
  auto run = [](const std::string &arguments) {
    std::string output;
    FILE *pipe = ::popen((QUIPU_GENERATE_EXAMPLE " " + arguments + " 2>&1").c_str(), "r");
    char buffer[256];
    while (size_t got = std::fread(buffer, 1, sizeof(buffer), pipe))
      output.append(buffer, got);
    int status = ::pclose(pipe);
    return std::pair{WEXITSTATUS(status), output};
  };
  auto [status, text] = run(path + " abc 5");
  EXPECT_EQ(status, 0) << text;
  EXPECT_EQ(text.find_first_not_of("abcdefghij"), text.size() - 1) << text; // then the end of the line
  EXPECT_EQ(run("/absent.qpu abc"),
            (std::pair<int, std::string>{1, "/absent.qpu: cannot be opened: No such file or directory\n"}));
  EXPECT_EQ(run("").first, 2);
}

} // namespace
