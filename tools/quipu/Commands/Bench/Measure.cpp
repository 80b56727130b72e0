#include "tools/quipu/Commands/Bench/Measure.h"

#include "tools/quipu/Commands/Bench/FillCache.h"
#include "tools/quipu/Commands/Bench/TimedSteps.h"
#include "tools/quipu/Progress.h"

#include <algorithm>

namespace quipu::tool {
namespace {

// Time of steps between two samples of the bandwidth: short beside the seconds over which a shared memory changes, long
// beside the samples and what they push out of caches.
constexpr double pairSeconds = 0.05;

Expected<double> promptRate(Engine &engine, uint32_t promptTokens) {
  auto steps = runSteps(engine, 1, promptTokens, 1);
  if (!steps)
    return passError(std::move(steps));
  double seconds = 0;
  for (const TimedStep &step : *steps)
    seconds += step.seconds;
  return promptTokens / seconds;
}

struct Situation {
  double Pair::*seconds;
  uint32_t sequences, context;
};

// What is measured, after what it is held against.
std::vector<Situation> situationsOf(const BenchShape &shape) {
  std::vector<Situation> situations;
  if (shape.context > 1)
    situations.push_back({&Pair::afterOne, shape.sequences, 1});
  if (shape.sequences > 1)
    situations.push_back({&Pair::alone, 1, shape.context});
  situations.push_back({&Pair::step, shape.sequences, shape.context});
  return situations;
}

// A step of each situation, one token further each turn; every other turn backwards, so that none is always the first
// after a sample. All use the same pages of the cache. Whatever a step leaves of them in the processor's caches is gone
// at the next visit of the same layer, as when one situation decodes alone: all weights are read in between.
Expected<> addTurn(Pair &pair, Engine &engine, const std::vector<Situation> &situations, uint32_t turn) {
  for (size_t i = 0; i < situations.size(); ++i) {
    const Situation &situation = situations[turn % 2 ? situations.size() - 1 - i : i];
    auto seconds = decodeStep(engine, situation.sequences, situation.context + turn);
    if (!seconds)
      return passError(std::move(seconds));
    pair.*situation.seconds += *seconds;
  }
  ++pair.turns;
  return {};
}

Expected<Transfer> sample(BandwidthProbe *probe) { return probe ? probe->sample() : Transfer(); }

// Pairs of as many turns as there are tokens to generate.
Expected<std::vector<Pair>> decode(Engine &engine, const BenchShape &shape, BandwidthProbe *probe) {
  std::vector<Situation> situations = situationsOf(shape);
  std::vector<Pair> pairs;
  auto before = sample(probe);
  if (!before)
    return passError(std::move(before));
  Pair pair; // sums of seconds until it is complete
  for (uint32_t turn = 0; turn < shape.newTokens; ++turn) {
    if (auto added = addTurn(pair, engine, situations, turn); !added)
      return passError(std::move(added));
    if (pair.step + pair.afterOne + pair.alone < pairSeconds && turn + 1 < shape.newTokens)
      continue;
    auto after = sample(probe);
    if (!after)
      return passError(std::move(after));
    pair.probed.add(*before);
    pair.probed.add(*after);
    for (const Situation &situation : situations)
      pair.*situation.seconds /= pair.turns;
    pairs.push_back(pair);
    pair = {};
    before = after;
  }
  return pairs;
}

// One more repeat.
Expected<> addDecode(Figures &figures, Engine &engine, const BenchShape &shape, const StepCost &cost,
                     BandwidthProbe *probe) {
  auto pairs = decode(engine, shape, probe);
  if (!pairs)
    return passError(std::move(pairs));
  double seconds = 0;
  Transfer probed;
  for (const Pair &pair : *pairs) {
    seconds += pair.step * pair.turns;
    probed.add(pair.probed);
  }
  double steps = shape.newTokens / seconds;
  figures.decode.push_back(shape.sequences * steps);
  if (double bandwidth = probed.rate(); bandwidth > 0) {
    figures.bandwidth.push_back(bandwidth);
    // A step reads the weights once and the cache of every sequence.
    figures.share.push_back(cost.decodeBytes(shape.positions()) * steps / bandwidth);
  }
  figures.pairs.insert(figures.pairs.end(), pairs->begin(), pairs->end());
  return {};
}

// Each kind of step once, uncounted, on a cache that has all positions which the decode runs read.
Expected<> warmUp(Engine &engine, const BenchShape &shape) {
  if (auto filled = fillCache(engine, shape.sequences, shape.context + shape.newTokens - 1); !filled)
    return filled;
  Pair pair;
  return addTurn(pair, engine, situationsOf(shape), 0);
}

} // namespace

Expected<Figures> measure(Engine &engine, const BenchShape &shape, const StepCost &cost, double DevicePeaks::*peak) {
  auto before = engine.device().probe(engine.loadedProgram());
  if (!before)
    return passError(std::move(before));
  auto probe = engine.device().bandwidthProbe(engine.loadedProgram());
  if (!probe)
    return passError(std::move(probe));
  Figures figures;
  if (*probe)
    figures.bandwidthKind = (*probe)->kind();
  Progress progress;
  for (uint32_t r = 0; r <= shape.repeats; ++r) { // the first is not counted
    progress.show("measuring", r, shape.repeats + 1);
    if (shape.promptTokens) {
      auto rate = promptRate(engine, shape.promptTokens);
      if (!rate)
        return passError(std::move(rate));
      if (r)
        figures.prompt.push_back(*rate);
    }
    if (!shape.newTokens)
      continue;
    if (auto done = r ? addDecode(figures, engine, shape, cost, probe->get()) : warmUp(engine, shape); !done)
      return passError(std::move(done));
  }
  auto after = engine.device().probe(engine.loadedProgram());
  if (!after)
    return passError(std::move(after));
  figures.peak = std::max((*before).*peak, (*after).*peak);
  return figures;
}

} // namespace quipu::tool
