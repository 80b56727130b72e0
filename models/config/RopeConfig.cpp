#include "models/config/RopeConfig.h"

#include "models/config/JsonFile.h"

#include <algorithm>
#include <cmath>

namespace quipu::models {

// Formulas and defaults are those of transformers' modeling_rope_utils.py.
namespace {

constexpr double pi = 3.14159265358979323846;

std::vector<double> plainFrequencies(double theta, int64_t headDim) {
  std::vector<double> result;
  for (int64_t i = 0; i < headDim; i += 2)
    result.push_back(1 / std::pow(theta, static_cast<double>(i) / static_cast<double>(headDim)));
  return result;
}

double readFactor(ConfigReader &section) { return section.number("factor", {1e-3, 1e6}); }

double readOriginalLength(ConfigReader &reader, ConfigReader &section, int64_t maxPosition) {
  Range<int64_t> range{1, int64_t{1} << 30};
  int64_t inSection = section.integerOr("original_max_position_embeddings", maxPosition, range);
  // Phi-3's place for it, beside rope_scaling, takes precedence.
  return static_cast<double>(reader.integerOr("original_max_position_embeddings", inSection, range));
}

// Llama 3.1: long wavelengths are divided by `factor`, short ones kept, those between blended by how many turns they
// make in the original context.
void scaleLlama3(RopeConfig &rope, ConfigReader &reader, ConfigReader &section, int64_t maxPosition) {
  double factor = readFactor(section);
  double low = section.number("low_freq_factor", {1e-6, 1e6});
  double high = section.number("high_freq_factor", {1e-6, 1e6});
  double length = readOriginalLength(reader, section, maxPosition);
  if (high <= low) {
    section.fail("high_freq_factor", fmt::format("is {}; expected more than low_freq_factor, which is {}", high, low));
    return;
  }
  for (double &frequency : rope.inverseFrequencies) {
    double turns = length * frequency / (2 * pi);
    if (turns < low) {
      frequency /= factor;
    } else if (turns <= high) {
      double smooth = (turns - low) / (high - low);
      frequency = (1 - smooth) * frequency / factor + smooth * frequency;
    }
  }
}

// YaRN (arXiv 2309.00071): a ramp over the dimensions, from those that turn `beta_fast` times in the original context
// (kept) to those that turn `beta_slow` times (divided by `factor`); logits grow with log(factor) through cos and sin.
void scaleYarn(RopeConfig &rope, ConfigReader &reader, ConfigReader &section, int64_t maxPosition) {
  double length = readOriginalLength(reader, section, maxPosition);
  double factor = section.numberOr("factor", static_cast<double>(maxPosition) / length, {1e-3, 1e6});
  double mscale = section.numberOr("mscale", 0, {0, 1e3});
  double mscaleAllDim = section.numberOr("mscale_all_dim", 0, {0, 1e3});
  auto magnitude = [&](double weight) { return factor <= 1 ? 1 : 0.1 * weight * std::log(factor) + 1; };
  double attention = mscale != 0 && mscaleAllDim != 0 ? magnitude(mscale) / magnitude(mscaleAllDim) : magnitude(1);
  rope.attentionScaling = section.numberOr("attention_factor", attention, {1e-6, 1e6});

  double betaFast = section.numberOr("beta_fast", 32, {1e-6, 1e6});
  double betaSlow = section.numberOr("beta_slow", 1, {1e-6, 1e6});
  bool truncate = section.booleanOr("truncate", true);
  double dim = 2 * static_cast<double>(rope.inverseFrequencies.size());
  auto dimensionOf = [&](double turns) {
    return dim * std::log(length / (turns * 2 * pi)) / (2 * std::log(rope.theta));
  };
  double low = dimensionOf(betaFast), high = dimensionOf(betaSlow);
  if (truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high)
    high += 0.001; // as transformers does, to keep the ramp finite
  for (size_t i = 0; i < rope.inverseFrequencies.size(); ++i) {
    double &frequency = rope.inverseFrequencies[i];
    double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequency = frequency / factor * ramp + frequency * (1 - ramp);
  }
}

// Each frequency divided by a factor of its own.
void divideByFactors(RopeConfig &rope, ConfigReader &section, const char *key) {
  std::vector<double> factors = section.numbers(key, {1e-3, 1e6});
  if (factors.size() != rope.inverseFrequencies.size()) {
    section.fail(key, fmt::format("has {} entries; expected {}, half of the dimensions that turn", factors.size(),
                                  rope.inverseFrequencies.size()));
    return;
  }
  for (size_t i = 0; i < factors.size(); ++i)
    rope.inverseFrequencies[i] /= factors[i];
}

// LongRoPE (arXiv 2402.13753): each frequency divided by a factor of its own, one list for contexts up to the original
// length and one for longer ones; logits grow with the ratio of the lengths in both.
void scaleLong(RopeConfig &rope, ConfigReader &reader, ConfigReader &section, const RopeDefaults &defaults) {
  double length = readOriginalLength(reader, section, defaults.maxPosition);
  double factor = section.numberOr("factor", static_cast<double>(defaults.maxPosition) / length, {1e-3, 1e6});
  double attention = factor <= 1 || length <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(length));
  rope.attentionScaling = section.numberOr("attention_factor", attention, {1e-6, 1e6});
  bool isLong = static_cast<double>(defaults.context) > length;
  divideByFactors(rope, section, isLong ? "long_factor" : "short_factor");
  section.has(isLong ? "short_factor" : "long_factor");
}

// How many dimensions of a head turn: rotary_dim, or a fraction of them.
int64_t readRotated(ConfigReader &reader, ConfigReader &section, const RopeDefaults &defaults) {
  if (!defaults.partial)
    return defaults.headDim;
  Range<double> range{1e-3, 1};
  double partial = section.numberOr("partial_rotary_factor",
                                    reader.numberOr("partial_rotary_factor", *defaults.partial, range), range);
  auto rotated = static_cast<int64_t>(static_cast<double>(defaults.headDim) * partial);
  bool counted = reader.has("rotary_dim");
  rotated = reader.integerOr("rotary_dim", rotated, {2, defaults.headDim});
  if (rotated >= 2 && rotated % 2 == 0)
    return rotated;
  std::string problem =
      fmt::format("expected an even number of the {} dimensions of a head to turn, got {}", defaults.headDim, rotated);
  if (counted)
    reader.fail("rotary_dim", fmt::format("is {}; {}", rotated, problem));
  else
    reader.fail("partial_rotary_factor", fmt::format("is {}; {}", partial, problem));
  return 2;
}

void scale(RopeConfig &rope, ConfigReader &reader, ConfigReader &section, const RopeDefaults &defaults) {
  std::string oldName = section.stringOr("type", "default"); // until transformers 4.43
  std::string type = section.stringOr("rope_type", oldName);
  bool isLong = type == "longrope" || type == "su" || (type == "yarn" && section.has("long_factor"));
  if (type == "default") {
    rope.scaling = RopeScaling::None;
  } else if (type == "linear") {
    rope.scaling = RopeScaling::Linear;
    double factor = readFactor(section);
    for (double &frequency : rope.inverseFrequencies)
      frequency /= factor;
  } else if (type == "llama3") {
    rope.scaling = RopeScaling::Llama3;
    scaleLlama3(rope, reader, section, defaults.maxPosition);
  } else if (isLong) { // names from before transformers 4.43 among them
    rope.scaling = RopeScaling::Long;
    scaleLong(rope, reader, section, defaults);
  } else if (type == "yarn") {
    rope.scaling = RopeScaling::Yarn;
    scaleYarn(rope, reader, section, defaults.maxPosition);
  } else if (type == "factors") { // how GGUF files carry the scaling of Llama 3.1, worked out
    rope.scaling = RopeScaling::Factors;
    divideByFactors(rope, section, "factors");
  } else {
    section.fail("rope_type",
                 fmt::format("is {}; expected default, linear, llama3, yarn, longrope or factors", inQuotes(type)));
  }
}

} // namespace

RopeConfig plainRope(double theta, int64_t rotated) {
  RopeConfig rope;
  rope.theta = theta;
  rope.inverseFrequencies = plainFrequencies(theta, rotated);
  return rope;
}

ConfigReader ropeSection(ConfigReader &reader, const std::string &layerKind) {
  if (reader.has("rope_scaling"))
    return reader.section("rope_scaling");
  ConfigReader parameters = reader.section("rope_parameters");
  return !layerKind.empty() && parameters.has(layerKind) ? parameters.section(layerKind) : parameters;
}

RopeConfig readRope(ConfigReader &reader, const RopeDefaults &defaults) {
  if (reader.has("rope_scaling") && reader.has("rope_parameters"))
    reader.fail("rope_scaling", "is given beside rope_parameters; remove one of them");
  ConfigReader section = ropeSection(reader, defaults.layerKind);
  Range<double> thetaRange{2, 1e15};
  double theta = section.numberOr("rope_theta", reader.numberOr("rope_theta", defaults.theta, thetaRange), thetaRange);
  RopeConfig rope = plainRope(theta, readRotated(reader, section, defaults));
  scale(rope, reader, section, defaults);
  return rope;
}

} // namespace quipu::models
