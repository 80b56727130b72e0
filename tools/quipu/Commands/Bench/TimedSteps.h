// Steps of sequences of equal length and the time each took.
#pragma once

#include "runtime/Engine/Engine.h"

#include <functional>
#include <vector>

namespace quipu::tool {

struct TimedStep {
  double begin, seconds; // of the steady clock
  size_t promptTokens, decodeTokens;
};

using AfterStep = std::function<Expected<>(const TimedStep &)>;

// Runs `sequences` prompts of `promptTokens` tokens together until each has `newTokens` new ones. What `after` takes is
// no part of any step. The first `held` tokens of each prompt are not computed: what lies in the cache's pages is taken
// for them.
Expected<std::vector<TimedStep>> runSteps(Engine &engine, uint32_t sequences, uint32_t promptTokens, uint32_t newTokens,
                                          const AfterStep &after = nullptr, uint32_t held = 0);

// Prompts that take several steps decode beside others meanwhile, and the first sequences to end leave the last ones to
// fewer: neither is a decode step.
enum class StepKind { Prompt, Decode };
bool isKind(const TimedStep &step, StepKind kind, uint32_t sequences);

} // namespace quipu::tool
