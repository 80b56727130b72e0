// Routed experts in place of the MLP of some layers: how tokens find theirs, and where their matrices lie.
#pragma once

#include "models/config/ConfigReader.h"
#include "models/config/DecoderModules.h"
#include "models/import/TensorCheck.h"

namespace quipu::models {

struct ExpertsConfig {
  int64_t count = 0;
  int64_t chosen = 0;     // of a token, at most count
  int64_t size = 0;       // features between an expert's projections
  bool sigmoid = false;   // scores are sigmoids of the logits; otherwise a softmax
  bool normalize = false; // weights of the chosen are divided by their sum
  bool biased = false;    // ROUTER.e_score_correction_bias is added to the scores for the choice alone
  double scale = 1;       // of the weights
  int64_t groups = 1, keptGroups = 1;
  int64_t sharedSize = 0;   // of the MLP that every token goes to beside its experts; 0: there is none
  bool sharedGated = false; // it is weighed by the sigmoid of one logit
  std::vector<bool> layers; // those that have experts
  ExpertModules modules;

  // The keys of how many there are and how many are chosen.
  void readCounts(ConfigReader &reader, const std::string &countKey, int64_t countOr, int64_t chosenOr);

  bool isIn(int64_t layer) const { return layers[size_t(layer)]; }
  // Names and shapes of a layer's weights; `layer` is its prefix, "model.layers.3.".
  void addTensors(std::vector<TensorSpec> &specs, const std::string &layer, int64_t hiddenSize) const;
};

// Bounds of the sizes of experts.
constexpr Range<int64_t> expertRange{1, 1 << 12}, expertSizeRange{1, 1 << 20};

} // namespace quipu::models
