#include "tools/random-checkpoint/RandomCheckpoint.h"

#include "models/Family.h"
#include "models/config/ModelConfig.h"
#include "models/import/FloatConversion.h"
#include "test/models/import/TemporaryFolder.h"

#include <cmath>

using namespace quipu;
using namespace quipu::models;
using random_checkpoint::Options;
using random_checkpoint::writeRandomCheckpoint;

namespace {

class RandomCheckpointTest : public test::TemporaryFolder {
protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    // intermediate_size makes a matrix larger than one chunk of 2^18 elements.
    write("llama.json", R"({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 300,
        "hidden_size": 64, "intermediate_size": 5000, "num_hidden_layers": 2, "num_attention_heads": 4,
        "attention_bias": true, "torch_dtype": "float16"})");
    options.config = pathOf("llama.json");
    options.output = pathOf("out");
  }

  std::string message() const {
    auto result = writeRandomCheckpoint(options);
    return result ? "accepted" : result.error().message;
  }

  std::unique_ptr<Checkpoint> open(const std::string &path) const {
    auto checkpoint = Checkpoint::open(path);
    EXPECT_TRUE(checkpoint) << checkpoint.error().message;
    return checkpoint ? std::move(*checkpoint) : nullptr;
  }

  std::string digestWith(const std::string &name, uint64_t seed) {
    options.output = pathOf(name);
    options.seed = seed;
    EXPECT_EQ(message(), "accepted");
    auto checkpoint = open(options.output);
    return checkpoint ? checkpoint->digest().hex() : "";
  }

  // Names in the test's folder, sorted.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(folder))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  Options options;
};

struct Moments {
  double mean = 0, deviation = 0;
};

Moments momentsOf(const Checkpoint &checkpoint, const char *name) {
  const TensorInfo *tensor = checkpoint.find(name);
  EXPECT_NE(tensor, nullptr) << name;
  std::vector<float> values(static_cast<size_t>(tensor->elements()));
  if (tensor->dtype == DType::F32)
    std::memcpy(values.data(), tensor->data, tensor->bytes);
  else
    (tensor->dtype == DType::F16 ? f16ToFloat : bf16ToFloat)(tensor->data, tensor->elements(), values.data());
  Moments moments;
  for (float value : values)
    moments.mean += value / static_cast<double>(values.size());
  for (float value : values)
    moments.deviation += (value - moments.mean) * (value - moments.mean) / static_cast<double>(values.size());
  moments.deviation = std::sqrt(moments.deviation);
  return moments;
}

TEST_F(RandomCheckpointTest, writes_what_the_configuration_asks_for) {
  auto result = writeRandomCheckpoint(options);
  ASSERT_TRUE(result) << result.error().message;
  auto checkpoint = open(options.output);
  ASSERT_NE(checkpoint, nullptr);
  auto checked = checkModel(*checkpoint);
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_TRUE(checked->warnings.empty());
  EXPECT_EQ(result->bytes, std::filesystem::file_size(pathOf("out/model.safetensors")));
  for (const TensorInfo &tensor : checkpoint->tensors())
    EXPECT_EQ(tensor.dtype, DType::F16) << tensor.name; // the config's
  EXPECT_EQ(files(), (std::vector<std::string>{"llama.json", "out"}));
}

TEST_F(RandomCheckpointTest, weights_keep_activations_near_one) {
  ASSERT_EQ(message(), "accepted");
  auto checkpoint = open(options.output);
  ASSERT_NE(checkpoint, nullptr);
  Moments embedding = momentsOf(*checkpoint, "model.embed_tokens.weight"); // 19200 values
  EXPECT_NEAR(embedding.mean, 0, 0.005);
  EXPECT_NEAR(embedding.deviation, 0.125, 0.004);                               // 1 / sqrt(64)
  Moments down = momentsOf(*checkpoint, "model.layers.1.mlp.down_proj.weight"); // 320000 values
  EXPECT_NEAR(down.deviation, 1 / std::sqrt(5000.0), 1e-4);
  Moments norm = momentsOf(*checkpoint, "model.norm.weight"); // 64 values
  EXPECT_NEAR(norm.mean, 1, 0.015);
  EXPECT_NEAR(norm.deviation, 0.02, 0.01);
  Moments bias = momentsOf(*checkpoint, "model.layers.0.self_attn.q_proj.bias");
  EXPECT_NEAR(bias.mean, 0, 0.015);
  EXPECT_NEAR(bias.deviation, 0.02, 0.01);
}

TEST_F(RandomCheckpointTest, same_seed_same_bytes) {
  std::string original = digestWith("a", 1);
  EXPECT_EQ(digestWith("b", 1), original);
  EXPECT_NE(digestWith("c", 2), original);
}

TEST_F(RandomCheckpointTest, dtype_can_be_chosen_and_is_written_to_the_config) {
  options.dtype = DType::F32;
  ASSERT_EQ(message(), "accepted");
  auto checkpoint = open(options.output);
  ASSERT_NE(checkpoint, nullptr);
  EXPECT_EQ(checkpoint->config().values["torch_dtype"], "float32");
  EXPECT_EQ(checkpoint->find("lm_head.weight")->dtype, DType::F32);
  EXPECT_NEAR(momentsOf(*checkpoint, "lm_head.weight").deviation, 0.125, 0.004);
}

TEST_F(RandomCheckpointTest, copies_the_tokenizer_and_generation_config) {
  std::filesystem::create_directory(pathOf("tokenizer"));
  write("tokenizer/tokenizer.json", "{}");
  write("generation_config.json", R"({"eos_token_id": 5})");
  options.tokenizer = pathOf("tokenizer");
  ASSERT_EQ(message(), "accepted");
  EXPECT_TRUE(std::filesystem::exists(pathOf("out/tokenizer.json")));
  auto checkpoint = open(options.output);
  ASSERT_NE(checkpoint, nullptr);
  EXPECT_EQ(checkpoint->config().generation["eos_token_id"], 5);
}

TEST_F(RandomCheckpointTest, may_fill_an_empty_directory) {
  std::filesystem::create_directory(pathOf("out"));
  options.output += "/";
  EXPECT_EQ(message(), "accepted");
  EXPECT_TRUE(std::filesystem::exists(pathOf("out/model.safetensors")));
}

TEST_F(RandomCheckpointTest, failures_leave_nothing_behind) {
  options.tokenizer = folder; // has none
  EXPECT_EQ(message(), "--tokenizer " + folder + ": has neither tokenizer.json nor tokenizer.model");
  options.tokenizer.clear();

  std::atomic<bool> interrupted{true};
  options.interrupted = &interrupted;
  EXPECT_EQ(message(), pathOf("out") + ": interrupted");
  options.interrupted = nullptr;

  options.output = pathOf("no/such/parent");
  EXPECT_EQ(message(), pathOf("no/such/parent") + ": cannot be written: No such file or directory");
  options.output = pathOf("out");

  write("llama.json", R"({"model_type": "no_such_model"})");
  std::string unknown = pathOf("llama.json") + ": unknown architecture 'no_such_model' (model_type); known: ";
  EXPECT_EQ(message().substr(0, unknown.size()), unknown);
  EXPECT_NE(message().find("LlamaForCausalLM"), std::string::npos) << message();
  EXPECT_EQ(files(), std::vector<std::string>{"llama.json"});
}

TEST_F(RandomCheckpointTest, refuses_what_does_not_fit_on_the_disk) {
  write("llama.json",
        R"({"model_type": "llama", "vocab_size": 10000000, "hidden_size": 1048576, "num_hidden_layers": 4096,
        "intermediate_size": 16000000, "num_attention_heads": 1024})");
  // 4096 layers of 4 * 2^20 * 2^20 + 3 * 16e6 * 2^20 weights of two bytes
  EXPECT_NE(message().find("/out: needs 448387"), std::string::npos) << message();
  EXPECT_EQ(files(), std::vector<std::string>{"llama.json"});
}

TEST_F(RandomCheckpointTest, does_not_touch_what_exists) {
  write("out", "precious");
  EXPECT_EQ(message(), pathOf("out") + ": exists already; remove it or choose another");
  options.output = folder;
  EXPECT_EQ(message(), folder + ": exists already; remove it or choose another");
}

} // namespace
