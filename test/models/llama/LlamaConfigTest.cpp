#include "models/config/DecoderConfig.h"
#include "models/config/JsonFile.h"
#include "models/config/ModelConfig.h"
#include "test/SharedData.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>

using namespace quipu;
using namespace quipu::models;
using nlohmann::json;

namespace {

json smallLlama() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"vocab_size", 100},
          {"hidden_size", 64},
          {"intermediate_size", 96},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 8},
          {"num_key_value_heads", 4}};
}

Expected<DecoderConfig> parse(const json &values, const json &generation = json::object()) {
  return parseDecoder({values, generation, "config.json", "generation_config.json"});
}

DecoderConfig parsed(const json &values, const json &generation = json::object()) {
  auto llama = parse(values, generation);
  EXPECT_TRUE(llama) << llama.error().message;
  return llama ? *llama : DecoderConfig();
}

std::string messageWith(const std::string &key, const json &value) {
  json values = smallLlama();
  values[key] = value;
  auto llama = parse(values);
  return llama ? "accepted" : llama.error().message;
}

TEST(LlamaConfig, takes_the_defaults_of_transformers) {
  DecoderConfig llama = parsed(smallLlama());
  EXPECT_EQ(llama.architecture, "LlamaForCausalLM");
  EXPECT_EQ(llama.headDim, 8);
  EXPECT_EQ(llama.maxPosition, 2048);
  EXPECT_EQ(llama.normEps, 1e-6);
  EXPECT_EQ(llama.activation, Activation::Silu);
  EXPECT_FALSE(llama.tieWordEmbeddings || llama.queryBias || llama.mlpBias);
  EXPECT_EQ(llama.kinds[0].rope->scaling, RopeScaling::None);
  EXPECT_EQ(llama.kinds[0].rope->theta, 10000);
  EXPECT_FALSE(llama.kinds[0].window || llama.bosId);
  EXPECT_TRUE(llama.eosIds.empty());
  EXPECT_TRUE(llama.warnings.empty());

  json values = smallLlama();
  values.erase("num_key_value_heads");
  EXPECT_EQ(parsed(values).kvHeads, 8); // multi-head attention
}

TEST(LlamaConfig, reads_every_key) {
  json values = smallLlama();
  values.update({{"head_dim", 16},
                 {"rms_norm_eps", 1e-5},
                 {"hidden_act", "gelu_pytorch_tanh"},
                 {"tie_word_embeddings", true},
                 {"attention_bias", true},
                 {"mlp_bias", true},
                 {"max_position_embeddings", 512},
                 {"bos_token_id", 1},
                 {"eos_token_id", {2, 3}}});
  DecoderConfig llama = parsed(values);
  EXPECT_EQ(llama.headDim, 16);
  EXPECT_EQ(llama.normEps, 1e-5);
  EXPECT_EQ(llama.activation, Activation::GeluTanh);
  EXPECT_TRUE(llama.tieWordEmbeddings && llama.queryBias && llama.mlpBias);
  EXPECT_EQ(llama.maxPosition, 512);
  EXPECT_EQ(llama.kinds[0].rope->inverseFrequencies.size(), 8u);
  EXPECT_EQ(llama.bosId, 1);
  EXPECT_EQ(llama.eosIds, (std::vector<int64_t>{2, 3}));
}

TEST(LlamaConfig, generation_config_comes_first_for_special_tokens) {
  json values = smallLlama();
  values.update({{"bos_token_id", 1}, {"eos_token_id", 2}});
  DecoderConfig llama = parsed(values, {{"eos_token_id", {7, 8}}, {"temperature", 0.6}});
  EXPECT_EQ(llama.bosId, 1);
  EXPECT_EQ(llama.eosIds, (std::vector<int64_t>{7, 8}));
  auto wrong = parse(values, {{"eos_token_id", 100}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "generation_config.json: eos_token_id is 100; expected 0 to 99");
}

TEST(LlamaConfig, refuses_zero_absent_and_out_of_range_values) {
  EXPECT_EQ(messageWith("num_attention_heads", 0), "config.json: num_attention_heads is 0; expected 1 to 1048576");
  EXPECT_EQ(messageWith("vocab_size", nullptr), "config.json: vocab_size is missing; expected 1 to 16777216");
  EXPECT_EQ(messageWith("hidden_size", -64), "config.json: hidden_size is -64; expected 1 to 1048576");
  EXPECT_EQ(messageWith("hidden_size", 18446744073709551615u),
            "config.json: hidden_size is 18446744073709551615; expected 1 to 1048576");
  EXPECT_EQ(messageWith("intermediate_size", "96"),
            "config.json: intermediate_size is \"96\"; expected an integer, 1 to 16777216");
  EXPECT_EQ(messageWith("intermediate_size", 96.0),
            "config.json: intermediate_size is 96.0; expected an integer, 1 to 16777216");
  EXPECT_EQ(messageWith("num_hidden_layers", 4097), "config.json: num_hidden_layers is 4097; expected 1 to 4096");
  EXPECT_EQ(messageWith("num_key_value_heads", 3),
            "config.json: num_key_value_heads is 3; expected a divisor of num_attention_heads, which is 8");
  EXPECT_EQ(messageWith("num_key_value_heads", 16),
            "config.json: num_key_value_heads is 16; expected a divisor of num_attention_heads, which is 8");
  EXPECT_EQ(messageWith("hidden_size", 60),
            "config.json: hidden_size is 60; expected a multiple of num_attention_heads, which is 8, or head_dim");
  EXPECT_EQ(messageWith("head_dim", 7), "config.json: head_dim is 7; expected an even number, 2 to 4096");
  EXPECT_EQ(messageWith("head_dim", 0), "config.json: head_dim is 0; expected 2 to 4096");
  EXPECT_EQ(messageWith("hidden_size", 72),
            "config.json: head_dim is 9 (hidden_size / num_attention_heads); expected an even number, 2 to 4096");
  EXPECT_EQ(messageWith("rms_norm_eps", 0), "config.json: rms_norm_eps is 0; expected 1e-12 to 1");
  EXPECT_EQ(messageWith("rms_norm_eps", "x"), "config.json: rms_norm_eps is \"x\"; expected a number, 1e-12 to 1");
  EXPECT_EQ(messageWith("max_position_embeddings", 0),
            "config.json: max_position_embeddings is 0; expected 1 to 1073741824");
  EXPECT_EQ(messageWith("tie_word_embeddings", 1), "config.json: tie_word_embeddings is 1; expected true or false");
  EXPECT_EQ(messageWith("hidden_act", "xielu"),
            "config.json: hidden_act is 'xielu'; expected silu, gelu, gelu_new, gelu_pytorch_tanh, relu or relu2");
  EXPECT_EQ(messageWith("eos_token_id", {2, 100}), "config.json: eos_token_id is 100; expected 0 to 99");
  EXPECT_EQ(messageWith("bos_token_id", -1), "config.json: bos_token_id is -1; expected 0 to 99");
}

TEST(LlamaConfig, refuses_bad_rope_values) {
  EXPECT_EQ(messageWith("rope_theta", 0), "config.json: rope_theta is 0; expected 2 to 1000000000000000");
  EXPECT_EQ(messageWith("rope_scaling", 4), "config.json: rope_scaling is 4; expected an object");
  for (const char *type : {"dynamic", "mrope", "proportional"})
    EXPECT_EQ(messageWith("rope_scaling", {{"rope_type", type}, {"factor", 2.0}}),
              fmt::format("config.json: rope_scaling.rope_type is '{}'; expected default, linear, llama3, yarn, "
                          "longrope or factors",
                          type));
  EXPECT_EQ(messageWith("rope_scaling", {{"rope_type", "longrope"}, {"short_factor", {1, 2}}}),
            "config.json: rope_scaling.short_factor has 2 entries; expected 4, half of the dimensions that turn");
  EXPECT_EQ(messageWith("rope_scaling", {{"type", "linear"}}),
            "config.json: rope_scaling.factor is missing; expected 0.001 to 1000000");
  EXPECT_EQ(messageWith("rope_parameters", {{"rope_type", "linear"}, {"factor", 0}}),
            "config.json: rope_parameters.factor is 0; expected 0.001 to 1000000");
  json llama3 = {{"rope_type", "llama3"},
                 {"factor", 8},
                 {"low_freq_factor", 4},
                 {"high_freq_factor", 4},
                 {"original_max_position_embeddings", 512}};
  EXPECT_EQ(messageWith("rope_scaling", llama3), "config.json: rope_scaling.high_freq_factor is 4; expected more than "
                                                 "low_freq_factor, which is 4");
  llama3.erase("low_freq_factor");
  EXPECT_EQ(messageWith("rope_scaling", llama3),
            "config.json: rope_scaling.low_freq_factor is missing; expected 1e-06 to 1000000");
  EXPECT_EQ(messageWith("rope_parameters", {{"full_attention", {{"rope_theta", 1e6}}}}),
            "config.json: rope_parameters.full_attention is {\"rope_theta\":1000000.0}; it changes what the model "
            "computes and is not supported");

  json both = smallLlama();
  both.update({{"rope_scaling", {{"rope_type", "default"}}}, {"rope_parameters", {{"rope_type", "default"}}}});
  auto llama = parse(both);
  ASSERT_FALSE(llama);
  EXPECT_EQ(llama.error().message, "config.json: rope_scaling is given beside rope_parameters; remove one of them");
}

TEST(LlamaConfig, refuses_keys_that_change_the_meaning) {
  const char *unsupported = "; it changes what the model computes and is not supported";
  EXPECT_EQ(messageWith("quantization_config", {{"bits", 4}}),
            std::string("config.json: quantization_config is {\"bits\":4}") + unsupported);
  EXPECT_EQ(messageWith("num_local_experts", 8), std::string("config.json: num_local_experts is 8") + unsupported);
  EXPECT_EQ(messageWith("partial_rotary_factor", 0.5),
            std::string("config.json: partial_rotary_factor is 0.5") + unsupported);
  EXPECT_EQ(messageWith("layer_types", {"full_attention", "sliding_attention"}),
            std::string("config.json: layer_types is [\"full_attention\",\"sliding_attention\"]") + unsupported);
}

TEST(LlamaConfig, passes_over_harmless_keys_and_keys_that_are_off) {
  json values = smallLlama();
  values.update({{"use_cache", true},
                 {"torch_dtype", "bfloat16"},
                 {"quantization_config", nullptr},
                 {"num_experts", 0},
                 {"partial_rotary_factor", 1.0},
                 {"layer_types", {"full_attention", "full_attention"}},
                 {"pruned_heads", json::object()},
                 {"never_heard_of", nullptr}});
  EXPECT_TRUE(parsed(values).warnings.empty());
}

TEST(LlamaConfig, warns_of_unknown_keys) {
  json values = smallLlama();
  values.update({{"flux_capacitor", 1.21}, {"rope_scaling", {{"rope_type", "default"}, {"colour", "red"}}}});
  EXPECT_EQ(parsed(values).warnings,
            (std::vector<std::string>{"config.json: flux_capacitor is not known and ignored",
                                      "config.json: rope_scaling.colour is not known and ignored"}));
}

TEST(LlamaConfig, names_unknown_architectures_and_the_known_ones) {
  std::string unknown = "config.json: unknown architecture 'MptForCausalLM'; known: ArceeForCausalLM, "
                        "Cohere2ForCausalLM, ";
  EXPECT_EQ(messageWith("architectures", {"MptForCausalLM"}).substr(0, unknown.size()), unknown);
  EXPECT_EQ(messageWith("architectures", "LlamaForCausalLM"),
            "config.json: architectures is \"LlamaForCausalLM\"; expected a list of names");
  EXPECT_EQ(messageWith("architectures", {5}), "config.json: architectures is [5]; expected a list of names");
  EXPECT_EQ(messageWith("model_type", "mistral"),
            "config.json: architectures names LlamaForCausalLM, but model_type is "
            "'mistral'; expected 'llama'");
  EXPECT_EQ(messageWith("architectures", nullptr), "accepted"); // by model_type
  auto nothing = parse(json::object());
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().message,
            "config.json: architectures is missing, and so is model_type; expected a list of one name");
}

TEST(LlamaConfig, real_configurations_of_the_family_import) {
  std::string folder = test::sharedData("hf-configs");
  if (folder.empty())
    GTEST_SKIP() << "no shared data";
  size_t imported = 0;
  for (const auto &entry : std::filesystem::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    SCOPED_TRACE(name);
    auto config = ModelConfig::load(entry.path().string());
    ASSERT_TRUE(config) << config.error().message;
    auto description = describeModel(*config);
    bool ours = name.rfind("Llama-", 0) == 0 || name.rfind("Mixtral-", 0) == 0 || name.rfind("SmolLM2-", 0) == 0 ||
                name.rfind("TinyLlama-", 0) == 0;
    if (!ours) {
      EXPECT_TRUE(!description || description->family != "llama");
      continue;
    }
    ASSERT_TRUE(description) << description.error().message;
    EXPECT_EQ(description->family, "llama");
    ++imported;
  }
  EXPECT_EQ(imported, 10u);
}

TEST(LlamaConfig, llama_3_2_1b_has_its_published_size) {
  std::string path = test::sharedData("hf-configs/Llama-3.2-1B.config.json");
  if (path.empty())
    GTEST_SKIP() << "no shared data";
  auto config = ModelConfig::load(path);
  ASSERT_TRUE(config) << config.error().message;
  auto description = describeModel(*config);
  ASSERT_TRUE(description) << description.error().message;
  int64_t parameters = 0;
  for (const TensorSpec &spec : description->tensors)
    parameters += spec.shape.size() == 2 ? spec.shape[0] * spec.shape[1] : spec.shape[0];
  EXPECT_EQ(parameters, 1'235'814'400); // the model card's 1.23 billion
  EXPECT_EQ(description->maxPosition, 131072);
  EXPECT_EQ(description->eosIds, (std::vector<int64_t>{128001, 128008, 128009}));
}

} // namespace
