#include "tools/quipu/Commands/Bench/TimedSteps.h"

#include <chrono>

namespace quipu::tool {

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool isKind(const TimedStep &step, StepKind kind, uint32_t sequences) {
  return kind == StepKind::Prompt ? step.promptTokens != 0 : !step.promptTokens && step.decodeTokens == sequences;
}

Expected<std::vector<TimedStep>> runSteps(Engine &engine, uint32_t sequences, uint32_t promptTokens, uint32_t newTokens,
                                          const AfterStep &after, uint32_t held) {
  // Ids spread over the vocabulary: embedding rows and pages are touched as a text would.
  std::vector<int32_t> ids(promptTokens);
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<int32_t>((i * 2654435761u + 7) % engine.model().vocab());
  SamplingParams sampling;
  sampling.ignoreEos = true;
  for (uint32_t i = 0; i < sequences; ++i)
    if (auto id = engine.add(ids, sampling, newTokens, /*wantLogits=*/false, held); !id)
      return passError(std::move(id));
  std::vector<TimedStep> steps;
  while (true) {
    double begin = now();
    auto step = engine.step();
    if (!step)
      return passError(std::move(step));
    if (step->idle())
      return steps;
    steps.push_back({begin, now() - begin, step->promptTokens, step->decodeTokens});
    if (after)
      if (auto done = after(steps.back()); !done)
        return passError(std::move(done));
  }
}

} // namespace quipu::tool
