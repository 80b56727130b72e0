// Keys that families name in ways of their own.
#include "test/models/families/ParsedConfig.h"

using namespace quipu;
using namespace quipu::models;
using test::json;
using test::messageOf;
using test::parsed;
using test::smallModel;

namespace {

TEST(Keys, gpt2_has_other_names_for_the_shape) {
  json values = {{"architectures", {"GPT2LMHeadModel"}},
                 {"model_type", "gpt2"},
                 {"n_embd", 32},
                 {"n_layer", 3},
                 {"n_head", 4},
                 {"n_positions", 64},
                 {"vocab_size", 100}};
  DecoderConfig gpt2 = parsed(values);
  EXPECT_EQ(gpt2.hiddenSize, 32);
  EXPECT_EQ(gpt2.intermediateSize, 128);
  EXPECT_EQ(gpt2.layers, 3);
  EXPECT_EQ(gpt2.maxPosition, 64);
  EXPECT_TRUE(gpt2.tieWordEmbeddings);
  values.update({{"n_inner", 48}, {"scale_attn_weights", false}, {"scale_attn_by_inverse_layer_idx", true}});
  gpt2 = parsed(values);
  EXPECT_EQ(gpt2.intermediateSize, 48);
  EXPECT_EQ(gpt2.scoreScale(gpt2.attentionOf(0)), 1);
  EXPECT_EQ(gpt2.scoreScale(gpt2.attentionOf(2)), 1.0 / 3);
  values["n_head"] = 0;
  EXPECT_EQ(messageOf(values), "config.json: n_head is 0; expected 1 to 1048576");
  values.update({{"n_head", 4}, {"add_cross_attention", true}});
  EXPECT_EQ(messageOf(values), "config.json: add_cross_attention is true; only a decoder alone is supported");
}

TEST(Keys, gpt_neox_has_other_names_for_rope) {
  json values = smallModel("GPTNeoXForCausalLM", "gpt_neox", {{"rotary_pct", 0.5}, {"rotary_emb_base", 500}});
  DecoderConfig neox = parsed(values);
  EXPECT_EQ(neox.kinds[0].rope->theta, 500);
  EXPECT_EQ(neox.kinds[0].rope->inverseFrequencies.size(), 4u);
  EXPECT_EQ(neox.kvHeads, 4); // whatever num_key_value_heads says
  EXPECT_TRUE(neox.parallel && neox.queryBias);
  values["rotary_pct"] = 0.1;
  EXPECT_EQ(messageOf(values), "config.json: rotary_pct is 0.1; expected an even number of the 16 dimensions of a head "
                               "to turn, got 1");
}

TEST(Keys, partial_rotation_has_a_default_by_family) {
  EXPECT_EQ(parsed(smallModel("PhiForCausalLM", "phi")).kinds[0].rope->inverseFrequencies.size(), 4u);
  EXPECT_EQ(parsed(smallModel("StableLmForCausalLM", "stablelm")).kinds[0].rope->inverseFrequencies.size(), 2u);
  EXPECT_EQ(parsed(smallModel("Phi3ForCausalLM", "phi3")).kinds[0].rope->inverseFrequencies.size(), 8u);
  EXPECT_EQ(messageOf(smallModel("ArceeForCausalLM", "arcee", {{"partial_rotary_factor", 0.5}})),
            "config.json: partial_rotary_factor is 0.5; it changes what the model computes and is not supported");
}

TEST(Keys, longrope_goes_by_the_context_that_is_compiled_for) {
  std::vector<double> shorter(8, 2), longer(8, 4);
  json values = smallModel("Phi3ForCausalLM", "phi3",
                           {{"max_position_embeddings", 64},
                            {"original_max_position_embeddings", 16},
                            {"rope_scaling", {{"type", "su"}, {"short_factor", shorter}, {"long_factor", longer}}}});
  auto first = [&](int64_t context) { return parsed(values, context).kinds[0].rope->inverseFrequencies[0]; };
  EXPECT_EQ(first(0), 0.25);
  EXPECT_EQ(first(17), 0.25);
  EXPECT_EQ(first(16), 0.5);
  EXPECT_DOUBLE_EQ(parsed(values, 16).kinds[0].rope->attentionScaling, std::sqrt(1 + std::log(4) / std::log(16)));
}

TEST(Keys, granite_multiplies) {
  DecoderConfig granite = parsed(smallModel("GraniteForCausalLM", "granite",
                                            {{"embedding_multiplier", 12.0},
                                             {"residual_multiplier", 0.25},
                                             {"logits_scaling", 8.0},
                                             {"attention_multiplier", 0.0625}}));
  EXPECT_EQ(granite.embeddingScale, 12);
  EXPECT_EQ(granite.residualScale, 0.25);
  EXPECT_EQ(granite.logitScale, 0.125);
  EXPECT_EQ(granite.scoreScale(granite.kinds[0]), 0.0625);
}

TEST(Keys, stablelm_has_a_gain_for_each_head) {
  json values = smallModel("StableLmForCausalLM", "stablelm", {{"qk_layernorm", true}});
  std::vector<TensorSpec> tensors = parsed(values).tensors();
  auto isThere = [&](const std::string &name) {
    return std::any_of(tensors.begin(), tensors.end(), [&](const TensorSpec &spec) { return spec.name == name; });
  };
  EXPECT_TRUE(isThere("model.layers.0.self_attn.q_layernorm.norms.3.weight"));
  EXPECT_TRUE(isThere("model.layers.3.self_attn.k_layernorm.norms.1.weight"));
  EXPECT_FALSE(isThere("model.layers.0.self_attn.k_layernorm.norms.2.weight"));
  values.update({{"hidden_size", 4096}, {"num_attention_heads", 512}, {"num_key_value_heads", 512}});
  EXPECT_EQ(messageOf(values), "config.json: num_attention_heads is 512; expected at most 256, with a norm for each");
}

} // namespace
