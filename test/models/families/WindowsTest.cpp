// Which layers see a window, and which rotate q and k: by layer_types, by a pattern, by what a family has alone.
#include "test/models/families/ParsedConfig.h"

using namespace quipu;
using namespace quipu::models;
using test::json;
using test::parsed;
using test::rotatedOf;
using test::smallModel;
using test::windowsOf;

namespace {

using Windows = std::vector<int64_t>;
using Rotated = std::vector<int>;

TEST(Windows, mistral_has_one_for_all_layers) {
  json values = smallModel("MistralForCausalLM", "mistral");
  EXPECT_EQ(windowsOf(parsed(values)), (Windows{4096, 4096, 4096, 4096}));
  EXPECT_EQ(parsed(values).maxPosition, 131072);
  values["sliding_window"] = nullptr;
  EXPECT_EQ(windowsOf(parsed(values)), (Windows{0, 0, 0, 0}));
  values["sliding_window"] = 16;
  values["layer_types"] = {"sliding_attention", "full_attention", "full_attention", "sliding_attention"};
  EXPECT_EQ(windowsOf(parsed(values)), (Windows{16, 0, 0, 16}));
  values["layer_types"] = {"sliding_attention"};
  EXPECT_EQ(test::messageOf(values), "config.json: layer_types has 1 entries; expected 4, one a layer");
  values["layer_types"] = {"full_attention", "full_attention", "full_attention", "linear_attention"};
  EXPECT_EQ(test::messageOf(values),
            "config.json: layer_types has 'linear_attention'; expected full_attention or sliding_attention");
}

TEST(Windows, mistral_has_no_bias) {
  EXPECT_EQ(test::messageOf(smallModel("MistralForCausalLM", "mistral", {{"attention_bias", true}})),
            "config.json: attention_bias is true; it changes what the model computes and is not supported");
}

TEST(Windows, ministral3_has_none_and_scales_queries) {
  json rope = {{"rope_type", "yarn"}, {"rope_theta", 1e6},     {"factor", 16.0},
               {"mscale", 1.0},       {"mscale_all_dim", 1.0}, {"llama_4_scaling_beta", 0.1},
               {"beta_fast", 32.0},   {"beta_slow", 1.0},      {"original_max_position_embeddings", 16384}};
  DecoderConfig ministral = parsed(smallModel("Ministral3ForCausalLM", "ministral3", {{"rope_parameters", rope}}));
  EXPECT_EQ(windowsOf(ministral), (Windows{0, 0, 0, 0}));
  EXPECT_EQ(ministral.headDim, 128);
  ASSERT_TRUE(ministral.queryScale);
  EXPECT_EQ(ministral.queryScale->beta, 0.1);
  EXPECT_EQ(ministral.queryScale->length, 16384);
  EXPECT_EQ(ministral.kinds[0].rope->attentionScaling, 1);
}

TEST(Windows, cohere2_rotates_where_there_is_one) {
  json values = smallModel("Cohere2ForCausalLM", "cohere2", {{"sliding_window", 8}});
  EXPECT_EQ(windowsOf(parsed(values)), (Windows{8, 8, 8, 0}));
  EXPECT_EQ(rotatedOf(parsed(values)), (Rotated{1, 1, 1, 0}));
  values["sliding_window_pattern"] = 2;
  EXPECT_EQ(windowsOf(parsed(values)), (Windows{8, 0, 8, 0}));
  values["sliding_window"] = nullptr;
  EXPECT_EQ(rotatedOf(parsed(values)), (Rotated{0, 0, 0, 0}));
  EXPECT_TRUE(parsed(values).ropeInterleaved && parsed(values).parallel && parsed(values).tieWordEmbeddings);
}

TEST(Windows, exaone4_rotates_everywhere_without_one) {
  json values = smallModel("Exaone4ForCausalLM", "exaone4", {{"sliding_window", 8}, {"sliding_window_pattern", "LG"}});
  EXPECT_EQ(windowsOf(parsed(values)), (Windows{8, 0, 8, 0}));
  EXPECT_EQ(rotatedOf(parsed(values)), (Rotated{1, 0, 1, 0}));
  values["sliding_window_pattern"] = "LGL";
  EXPECT_EQ(test::messageOf(values),
            "config.json: sliding_window_pattern is no number and no list of L that ends with G");
  values.update({{"sliding_window", nullptr}, {"sliding_window_pattern", nullptr}});
  EXPECT_EQ(windowsOf(parsed(values)), (Windows{0, 0, 0, 0}));
  EXPECT_EQ(rotatedOf(parsed(values)), (Rotated{1, 1, 1, 1}));
}

TEST(Windows, smollm3_may_have_them_apart_from_rotation) {
  json values = smallModel("SmolLM3ForCausalLM", "smollm3");
  EXPECT_EQ(rotatedOf(parsed(values)), (Rotated{1, 1, 1, 0}));
  EXPECT_EQ(windowsOf(parsed(values)), (Windows{0, 0, 0, 0}));
  values.update({{"no_rope_layer_interval", 2}, {"use_sliding_window", true}, {"sliding_window", 8}});
  EXPECT_EQ(rotatedOf(parsed(values)), (Rotated{1, 0, 1, 0}));
  EXPECT_EQ(windowsOf(parsed(values)), (Windows{0, 8, 0, 8}));
  values["no_rope_layers"] = {0, 0, 1, 1};
  values["layer_types"] = {"full_attention", "sliding_attention", "full_attention", "sliding_attention"};
  EXPECT_EQ(rotatedOf(parsed(values)), (Rotated{0, 0, 1, 1}));
  EXPECT_EQ(windowsOf(parsed(values)), (Windows{0, 8, 0, 8}));
  values["no_rope_layers"] = {0, 0};
  EXPECT_EQ(test::messageOf(values), "config.json: no_rope_layers has 2 entries; expected 4, one a layer");
}

TEST(Windows, olmo3_scales_rope_on_full_layers_alone) {
  json scaling = {{"rope_type", "yarn"}, {"factor", 8.0}, {"original_max_position_embeddings", 8192}};
  json old = smallModel("Olmo3ForCausalLM", "olmo3", {{"rope_theta", 1e5}, {"rope_scaling", scaling}});
  DecoderConfig olmo = parsed(old);
  EXPECT_EQ(windowsOf(olmo), (Windows{4096, 4096, 4096, 0}));
  EXPECT_EQ(olmo.attentionOf(0).rope->scaling, RopeScaling::None);
  EXPECT_EQ(olmo.attentionOf(0).rope->theta, 1e5);
  EXPECT_EQ(olmo.attentionOf(3).rope->scaling, RopeScaling::Yarn);

  json nested = scaling;
  nested["rope_theta"] = 1e5;
  json current = smallModel("Olmo3ForCausalLM", "olmo3");
  current["rope_parameters"] = {{"full_attention", nested}, {"sliding_attention", {{"rope_theta", 1e5}}}};
  EXPECT_EQ(parsed(current).attentionOf(3).rope->inverseFrequencies, olmo.attentionOf(3).rope->inverseFrequencies);
  EXPECT_EQ(parsed(current).attentionOf(0).rope->inverseFrequencies, olmo.attentionOf(0).rope->inverseFrequencies);
}

} // namespace
