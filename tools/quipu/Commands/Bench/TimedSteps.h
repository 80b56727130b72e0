// Steps of the engine, timed: runs of made-up prompts, and single decode steps after a context.
#pragma once

#include "runtime/Engine/Engine.h"

#include <vector>

namespace quipu::tool {

struct TimedStep {
  double begin, seconds; // begin in seconds of the steady clock
  size_t promptTokens, decodeTokens;
};

enum class StepKind { Prompt, Decode };
// Whether a step computes prompts, or decodes a token of each of the sequences and nothing else.
bool isKind(const TimedStep &step, StepKind kind, uint32_t sequences);

// Adds sequences of as many made-up prompt tokens, of which the first `held` are taken to be in the cache, and steps
// until each has its new tokens.
Expected<std::vector<TimedStep>> runSteps(Engine &engine, uint32_t sequences, uint32_t promptTokens, uint32_t newTokens,
                                          uint32_t held = 0);

// Seconds of one step in which each of the sequences decodes the last of `context` tokens; the others are taken to be
// in the cache. The sequences end with it, so the next step may be one of other sequences, or of the same context
// again.
Expected<double> decodeStep(Engine &engine, uint32_t sequences, uint32_t context);

} // namespace quipu::tool
