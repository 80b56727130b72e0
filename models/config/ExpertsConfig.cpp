#include "models/config/ExpertsConfig.h"

#include <fmt/format.h>

namespace quipu::models {
namespace {

// A matrix of each expert, or where the module has no number one tensor of all of them.
void addStack(std::vector<TensorSpec> &specs, const std::string &module, int64_t experts, int64_t out, int64_t in) {
  std::string name = module + ".weight";
  size_t star = name.find('*');
  if (star == name.npos)
    return specs.push_back({name, {experts, out, in}, TensorRole::Matrix});
  for (int64_t expert = 0; expert < experts; ++expert) {
    std::string own = name;
    own.replace(star, 1, std::to_string(expert));
    specs.push_back({own, {out, in}, TensorRole::Matrix, ExpertPlace{expert, experts, name}});
  }
}

} // namespace

void ExpertsConfig::readCounts(ConfigReader &reader, const std::string &countKey, int64_t countOr, int64_t chosenOr) {
  count = reader.integerOr(countKey, countOr, expertRange);
  chosen = reader.integerOr("num_experts_per_tok", chosenOr, expertRange);
  if (chosen > count)
    reader.fail("num_experts_per_tok", fmt::format("is {}; expected at most {}, which is {}", chosen, countKey, count));
}

void ExpertsConfig::addTensors(std::vector<TensorSpec> &specs, const std::string &layer, int64_t hiddenSize) const {
  auto matrix = [&](const std::string &module, int64_t out, int64_t in) {
    specs.push_back({layer + module + ".weight", {out, in}, TensorRole::Matrix});
  };
  matrix(modules.router, count, hiddenSize);
  if (biased)
    specs.push_back({layer + modules.router + ".e_score_correction_bias", {count}, TensorRole::Bias});
  if (modules.gateAndUp.empty()) {
    addStack(specs, layer + modules.gate, count, size, hiddenSize);
    addStack(specs, layer + modules.up, count, size, hiddenSize);
  } else {
    addStack(specs, layer + modules.gateAndUp, count, 2 * size, hiddenSize);
  }
  addStack(specs, layer + modules.down, count, hiddenSize, size);
  if (sharedSize == 0)
    return;
  if (sharedGated)
    matrix(modules.sharedGate, 1, hiddenSize);
  matrix(modules.shared + ".gate_proj", sharedSize, hiddenSize);
  matrix(modules.shared + ".up_proj", sharedSize, hiddenSize);
  matrix(modules.shared + ".down_proj", hiddenSize, sharedSize);
}

} // namespace quipu::models
