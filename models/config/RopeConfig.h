// Rotary position embedding as config.json describes it: `rope_theta` with `rope_scaling`, or `rope_parameters`, which
// holds both since transformers 5.
#pragma once

#include "models/config/ConfigReader.h"

namespace quipu::models {

enum class RopeScaling { None, Linear, Llama3, Yarn, Long, Factors };

struct RopeConfig {
  RopeScaling scaling = RopeScaling::None;
  double theta = 10000;
  // Angle per position of each pair of the dimensions that turn, in radians, scaling included; there may be fewer than
  // headDim / 2. transformers computes the same in float32.
  std::vector<double> inverseFrequencies;
  double attentionScaling = 1; // what cosine and sine are multiplied by (YaRN, LongRoPE)
};

// What is not in the configuration.
struct RopeDefaults {
  int64_t headDim;     // even
  int64_t maxPosition; // max_position_embeddings, which stands in where the length before scaling is not given
  int64_t context;     // the longest that is to be run: LongRoPE has other factors where it is above the original one
  double theta = 10000;
  // Of a head's dimensions, the fraction that turns: partial_rotary_factor. None: all do, and the key is not read.
  std::optional<double> partial = {};
  std::string layerKind = {}; // "full_attention": rope_parameters may hold a section for each kind of layer
};

// Reads the RoPE keys. Scalings that depend on the sequence (dynamic) are refused by name.
RopeConfig readRope(ConfigReader &reader, const RopeDefaults &defaults);

// rope_parameters, that part of it which is for `layerKind`, or rope_scaling of old files.
ConfigReader ropeSection(ConfigReader &reader, const std::string &layerKind = {});

// Without scaling.
RopeConfig plainRope(double theta, int64_t rotated);

} // namespace quipu::models
