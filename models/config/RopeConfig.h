// Rotary position embedding as config.json describes it: `rope_theta` with `rope_scaling`, or `rope_parameters`, which
// holds both since transformers 5.
#pragma once

#include "models/config/ConfigReader.h"

namespace quipu::models {

enum class RopeScaling { None, Linear, Llama3, Yarn, Factors };

struct RopeConfig {
  RopeScaling scaling = RopeScaling::None;
  double theta = 10000;
  // Angle per position of each pair of dimensions [headDim / 2], in radians, scaling included. transformers computes
  // the same in float32.
  std::vector<double> inverseFrequencies;
  double attentionScaling = 1; // what cosine and sine are multiplied by (YaRN)
};

// Reads the RoPE keys. `headDim` is even; `maxPosition` is max_position_embeddings, which stands in where the length
// before scaling is not given. Scalings that depend on the sequence (dynamic, longrope) are refused by name.
RopeConfig readRope(ConfigReader &reader, int64_t headDim, int64_t maxPosition);

} // namespace quipu::models
