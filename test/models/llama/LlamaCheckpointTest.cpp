// Whole checkpoints: the check of tensors against a configuration.
#include "models/Family.h"
#include "models/config/DecoderConfig.h"
#include "models/config/ModelConfig.h"
#include "test/GoldenCheckpoints.h"
#include "test/SharedData.h"
#include "test/models/import/TemporaryFolder.h"

#include <fmt/ranges.h>
#include <functional>

using namespace quipu;
using namespace quipu::models;

namespace {

struct Stored {
  std::string name, dtype;
  std::vector<int64_t> shape;
};

// A directory with a two-layer Llama whose tensors a test may change before they are written.
class LlamaCheckpoint : public test::TemporaryFolder {
protected:
  void writeModel(const std::function<void(std::vector<Stored> &)> &change, const std::string &moreKeys = "") {
    write("config.json", R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 10,
        "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2)" +
                             moreKeys + "}");
    std::vector<Stored> tensors = {{"model.embed_tokens.weight", "F32", {10, 8}},
                                   {"model.norm.weight", "F32", {8}},
                                   {"lm_head.weight", "F32", {10, 8}}};
    for (std::string layer : {"model.layers.0.", "model.layers.1."}) {
      tensors.push_back({layer + "input_layernorm.weight", "F32", {8}});
      tensors.push_back({layer + "post_attention_layernorm.weight", "F32", {8}});
      tensors.push_back({layer + "self_attn.q_proj.weight", "BF16", {8, 8}});
      tensors.push_back({layer + "self_attn.k_proj.weight", "BF16", {4, 8}});
      tensors.push_back({layer + "self_attn.v_proj.weight", "F16", {4, 8}});
      tensors.push_back({layer + "self_attn.o_proj.weight", "BF16", {8, 8}});
      tensors.push_back({layer + "mlp.gate_proj.weight", "BF16", {12, 8}});
      tensors.push_back({layer + "mlp.up_proj.weight", "BF16", {12, 8}});
      tensors.push_back({layer + "mlp.down_proj.weight", "BF16", {8, 12}});
    }
    change(tensors);
    std::string header;
    size_t offset = 0;
    for (const Stored &tensor : tensors) {
      size_t bytes = byteSize(*dtypeFromSafetensors(tensor.dtype));
      for (int64_t size : tensor.shape)
        bytes *= size;
      header += fmt::format(R"({}"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", header.empty() ? "" : ",",
                            tensor.name, tensor.dtype, fmt::join(tensor.shape, ","), offset, offset + bytes);
      offset += bytes;
    }
    write("model.safetensors", test::safetensors("{" + header + "}", std::string(offset, '\0')));
  }

  Expected<ModelDescription> check() const {
    auto checkpoint = Checkpoint::open(folder);
    if (!checkpoint)
      return passError(std::move(checkpoint));
    return checkModel(**checkpoint);
  }

  std::string message() const {
    auto checked = check();
    return checked ? "accepted" : checked.error().message;
  }
};

void unchanged(std::vector<Stored> &) {}

TEST_F(LlamaCheckpoint, complete_one_is_accepted) {
  writeModel(unchanged);
  auto checked = check();
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_TRUE(checked->warnings.empty());
  EXPECT_EQ(checked->tensors.size(), 21u);
}

TEST_F(LlamaCheckpoint, missing_tensors_are_named_and_counted) {
  writeModel([](auto &tensors) { tensors.erase(tensors.begin() + 3); });
  EXPECT_EQ(message(), folder + ": tensor 'model.layers.0.input_layernorm.weight' is missing; expected shape [8]");
  writeModel([](auto &tensors) { tensors.erase(tensors.begin() + 2, tensors.begin() + 5); });
  EXPECT_EQ(message(), folder +
                           ": tensor 'model.layers.0.input_layernorm.weight' is missing; expected shape [8] (and 2 "
                           "other tensors at fault)");
}

TEST_F(LlamaCheckpoint, misshapen_tensors_are_named_with_both_shapes) {
  writeModel([](auto &tensors) { tensors[5].shape = {4, 16}; });
  EXPECT_EQ(message(), pathOf("model.safetensors") + ": tensor 'model.layers.0.self_attn.q_proj.weight' has shape [4, "
                                                     "16]; expected [8, 8] from the configuration");
  writeModel([](auto &tensors) { tensors[1].shape = {8, 1}; });
  EXPECT_EQ(message(), pathOf("model.safetensors") +
                           ": tensor 'model.norm.weight' has shape [8, 1]; expected [8] from the "
                           "configuration");
}

TEST_F(LlamaCheckpoint, dtypes_that_hold_no_plain_weights_are_refused) {
  writeModel([](auto &tensors) { tensors[2].dtype = "U32"; });
  EXPECT_EQ(
      message(),
      pathOf("model.safetensors") +
          ": tensor 'lm_head.weight' is U32; weights of F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, MXFP4, "
          "Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS are supported");
}

TEST_F(LlamaCheckpoint, tied_embeddings_need_no_lm_head) {
  auto dropHead = [](auto &tensors) { tensors.erase(tensors.begin() + 2); };
  writeModel(dropHead);
  EXPECT_EQ(message(), folder + ": tensor 'lm_head.weight' is missing; expected shape [10, 8]");
  writeModel(dropHead, R"(, "tie_word_embeddings": true)");
  EXPECT_EQ(message(), "accepted");
  writeModel(unchanged, R"(, "tie_word_embeddings": true)");
  auto checked = check();
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_TRUE(checked->warnings.empty());
}

TEST_F(LlamaCheckpoint, bias_flags_ask_for_biases) {
  writeModel(unchanged, R"(, "attention_bias": true)");
  EXPECT_EQ(message(), folder + ": tensor 'model.layers.0.self_attn.q_proj.bias' is missing; expected shape [8] (and 7 "
                                "other tensors at fault)");
  writeModel(unchanged, R"(, "mlp_bias": true)");
  EXPECT_EQ(message(), folder + ": tensor 'model.layers.0.mlp.gate_proj.bias' is missing; expected shape [12] (and 5 "
                                "other tensors at fault)");
}

TEST_F(LlamaCheckpoint, unexpected_tensors_give_warnings_and_saved_rope_tables_none) {
  writeModel([](auto &tensors) {
    tensors.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", "F32", {1}});
    tensors.push_back({"model.layers.0.self_attn.q_norm.weight", "F32", {2}});
  });
  auto checked = check();
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->warnings, std::vector<std::string>{pathOf("model.safetensors") +
                                                        ": tensor 'model.layers.0.self_attn.q_norm.weight' is not used "
                                                        "by the model"});
}

TEST(GoldenCheckpoints, open_and_match_their_configurations) {
  EXPECT_GE(test::goldenCheckpoints().size(), 5u);
  for (const std::string &folder : test::goldenCheckpoints()) {
    SCOPED_TRACE(folder);
    auto checkpoint = Checkpoint::open(folder);
    ASSERT_TRUE(checkpoint) << checkpoint.error().message;
    auto checked = checkModel(**checkpoint);
    ASSERT_TRUE(checked) << checked.error().message;
    EXPECT_TRUE(checked->warnings.empty()) << fmt::format("{}", fmt::join(checked->warnings, "\n"));
  }
}

TEST(SharedCheckpoints, supported_ones_open_and_others_are_refused_by_name) {
  struct Case {
    const char *folder, *message; // null: accepted
  };
  const Case cases[] = {
      {"models/stories260k", nullptr},
      {"models/babyllama-tok105", nullptr},
      {"tiny-random-hf/tiny_llama3", nullptr},
      {"tiny-random-hf/tiny_mistral", nullptr},
      {"tiny-random-hf/tiny_llama3_tied", "config.json: quantization is {\"bits\":4,"},
      {"tiny-random-hf/tiny_mistral_tied", "config.json: quantization is {\"bits\":4,"},
      {"tiny-random-hf/tiny_qwen3", nullptr},
      {"tiny-random-hf/tiny_qwen3_sharded", "config.json: quantization is "},
      {"tiny-random-hf/tiny_qwen3_5", "config.json: unknown architecture 'qwen3_5' (model_type); known: "},
      {"tiny-random-hf/tiny_gemma3", nullptr},
      {"tiny-random-hf/tiny_gemma4", "config.json: unknown architecture 'gemma4' (model_type); known: "},
  };
  if (test::sharedData("models").empty())
    GTEST_SKIP() << "no shared data";
  for (const Case &each : cases) {
    SCOPED_TRACE(each.folder);
    auto checkpoint = Checkpoint::open(test::sharedData(each.folder));
    ASSERT_TRUE(checkpoint) << checkpoint.error().message;
    auto checked = checkModel(**checkpoint);
    if (!each.message) {
      EXPECT_TRUE(checked) << checked.error().message;
      continue;
    }
    ASSERT_FALSE(checked);
    EXPECT_NE(checked.error().message.find(each.message), std::string::npos) << checked.error().message;
  }
}

} // namespace
