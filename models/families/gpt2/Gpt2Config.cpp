// GPT-2 (Radford et al., 2019).
#include "models/config/DecoderConfig.h"

#include <cmath>

namespace quipu::models::gpt2 {
namespace {

DecoderModules modules() {
  DecoderModules modules;
  modules.query = modules.key = modules.value = "attn.c_attn";
  modules.output = "attn.c_proj";
  modules.gate = {};
  modules.up = "mlp.c_fc";
  modules.down = "mlp.c_proj";
  modules.beforeAttention = "ln_1";
  modules.beforeMlp = "ln_2";
  modules.embedding = "transformer.wte";
  modules.positions = "transformer.wpe";
  modules.layers = "transformer.h";
  modules.finalNorm = "transformer.ln_f";
  return modules;
}

// Scores are divided by sqrt(dim) unless scale_attn_weights is false, and by the number of the layer if asked for.
void readScale(DecoderConfig &gpt2, ConfigReader &reader) {
  double scale = reader.booleanOr("scale_attn_weights", true) ? 1 / std::sqrt(static_cast<double>(gpt2.headDim)) : 1;
  bool byLayer = reader.booleanOr("scale_attn_by_inverse_layer_idx", false);
  gpt2.kinds.clear();
  for (int64_t layer = 0; layer < gpt2.layers; ++layer) {
    gpt2.kinds.push_back({{}, {}, byLayer ? scale / static_cast<double>(layer + 1) : scale});
    gpt2.kindOfLayer[size_t(layer)] = size_t(layer);
  }
}

// As transformers' GPT2Config.
void read(DecoderConfig &gpt2, ConfigReader &reader) {
  for (auto [key, other] :
       {std::pair("hidden_size", "n_embd"), std::pair("num_hidden_layers", "n_layer"),
        std::pair("num_attention_heads", "n_head"), std::pair("intermediate_size", "n_inner"),
        std::pair("max_position_embeddings", "n_positions"), std::pair("rms_norm_eps", "layer_norm_epsilon"),
        std::pair("hidden_act", "activation_function")})
    reader.alias(key, other);
  DecoderDefaults defaults;
  defaults.maxPosition = 1024;
  defaults.normEps = 1e-5;
  defaults.tieWordEmbeddings = true;
  defaults.activation = "gelu_new";
  defaults.readsRope = true;
  defaults.vocabSize = 50257;
  defaults.hiddenSize = 768;
  defaults.layers = defaults.heads = 12;
  defaults.intermediateOfHidden = 4;
  gpt2.read(reader, defaults);
  readScale(gpt2, reader);
  gpt2.modules = modules();
  gpt2.layerNorms = gpt2.normBias = true;
  gpt2.queryBias = gpt2.outputBias = gpt2.mlpBias = true;
  // The checkpoint has matrices of Conv1D, in x out; a GGUF file has them turned.
  gpt2.transposedLinears = reader.booleanOr("conv1d", true);
  gpt2.ignoredTensors = {".attn.bias", ".attn.masked_bias"}; // masks that old versions saved
  if (reader.booleanOr("add_cross_attention", false))
    reader.fail("add_cross_attention", "is true; only a decoder alone is supported");
}

void completeGguf(GgufReading &reading) { reading.values["conv1d"] = false; }

} // namespace

const Family &family() {
  static const Family gpt2{"gpt2",
                           {{"GPT2LMHeadModel", "gpt2"}},
                           {{"gpt2",
                             "GPT2LMHeadModel",
                             "gpt2",
                             modules(),
                             {{"attention.layer_norm_epsilon", "layer_norm_epsilon"}},
                             completeGguf}},
                           describeDecoder,
                           read,
                           {},
                           {{"h.", "transformer.h."},
                            {"wte.", "transformer.wte."},
                            {"wpe.", "transformer.wpe."},
                            {"ln_f.", "transformer.ln_f."}}};
  return gpt2;
}

} // namespace quipu::models::gpt2
