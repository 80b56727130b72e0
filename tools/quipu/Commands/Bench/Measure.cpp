#include "tools/quipu/Commands/Bench/Measure.h"

#include "tools/quipu/Commands/Bench/TimedSteps.h"
#include "tools/quipu/Progress.h"

#include <algorithm>

namespace quipu::tool {
namespace {

// Time of steps between two samples of the bandwidth: short beside the seconds over which a shared memory changes, long
// beside the samples and what they push out of caches.
constexpr double sampleEvery = 0.05; // seconds

Expected<double> promptRate(Engine &engine, uint32_t promptTokens) {
  auto steps = runSteps(engine, 1, promptTokens, 1);
  if (!steps)
    return passError(std::move(steps));
  double seconds = 0;
  for (const TimedStep &step : *steps)
    seconds += step.seconds;
  return promptTokens / seconds;
}

// The steps in which every sequence decodes.
struct Decode {
  double tokens = 0, seconds = 0;
  Transfer probed; // between them

  double secondsOfStep(const BenchShape &shape) const { return seconds * shape.sequences / tokens; }
};

// `held` tokens of the context are taken to be in the cache already.
Expected<Decode> decode(Engine &engine, const BenchShape &shape, BandwidthProbe *probe, uint32_t held) {
  Decode result;
  double sinceSample = sampleEvery;
  auto after = [&](const TimedStep &step) -> Expected<> {
    if (!isKind(step, StepKind::Decode, shape.sequences))
      return {};
    result.seconds += step.seconds;
    result.tokens += static_cast<double>(step.decodeTokens);
    sinceSample += step.seconds;
    if (!probe || sinceSample < sampleEvery)
      return {};
    sinceSample = 0;
    Expected<Transfer> sample = probe->sample();
    if (!sample)
      return passError(std::move(sample));
    result.probed.add(*sample);
    return {};
  };
  if (auto steps = runSteps(engine, shape.sequences, shape.context, shape.newTokens + 1, after, held); !steps)
    return passError(std::move(steps));
  if (result.tokens == 0)
    return makeError("no step decodes all of --sequences {} at once after --context {}; ask for more tokens (-n) or "
                     "compile with a larger --max-sequences",
                     shape.sequences, shape.context);
  return result;
}

// One more repeat: a decode run, and for a longer context one after a single token beside it. The context's keys and
// values are those that the first run, which is not counted, left in the cache.
Expected<> addDecode(Figures &figures, Engine &engine, const BenchShape &shape, const StepCost &cost,
                     BandwidthProbe *probe) {
  auto run = decode(engine, shape, probe, shape.context - 1);
  if (!run)
    return passError(std::move(run));
  double rate = run->tokens / run->seconds, bandwidth = run->probed.rate();
  figures.decode.push_back(rate);
  if (bandwidth > 0) {
    figures.bandwidth.push_back(bandwidth);
    // A step reads the weights once and the cache of every sequence.
    figures.share.push_back(cost.decodeBytes(shape.positions()) * rate / shape.sequences / bandwidth);
  }
  if (shape.context == 1)
    return {};
  auto one = decode(engine, shape.afterOne(), probe, 0);
  if (!one)
    return passError(std::move(one));
  figures.longer.push_back(run->secondsOfStep(shape) - one->secondsOfStep(shape));
  if (bandwidth > 0)
    figures.longerByCache.push_back(cost.cacheBytes(shape.positions() - shape.afterOne().positions()) / bandwidth);
  return {};
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
    if (r) {
      if (auto added = addDecode(figures, engine, shape, cost, probe->get()); !added)
        return passError(std::move(added));
    } else if (auto filled = decode(engine, shape, nullptr, 0); !filled) {
      return passError(std::move(filled));
    }
  }
  auto after = engine.device().probe(engine.loadedProgram());
  if (!after)
    return passError(std::move(after));
  figures.peak = std::max((*before).*peak, (*after).*peak);
  return figures;
}

} // namespace quipu::tool
