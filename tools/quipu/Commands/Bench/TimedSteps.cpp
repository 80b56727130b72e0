#include "tools/quipu/Commands/Bench/TimedSteps.h"

#include <chrono>

namespace quipu::tool {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Expected<> addSequences(Engine &engine, uint32_t sequences, uint32_t promptTokens, uint32_t newTokens, uint32_t held) {
  // Ids spread over the vocabulary: embedding rows and pages are touched as a text would.
  std::vector<int32_t> ids(promptTokens);
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<int32_t>((i * 2654435761u + 7) % engine.model().vocab());
  SamplingParams sampling;
  sampling.ignoreEos = true;
  for (uint32_t i = 0; i < sequences; ++i)
    if (auto id = engine.add(ids, sampling, newTokens, /*wantLogits=*/false, held); !id)
      return passError(std::move(id));
  return {};
}

} // namespace

bool isKind(const TimedStep &step, StepKind kind, uint32_t sequences) {
  return kind == StepKind::Prompt ? step.promptTokens != 0 : !step.promptTokens && step.decodeTokens == sequences;
}

Expected<std::vector<TimedStep>> runSteps(Engine &engine, uint32_t sequences, uint32_t promptTokens, uint32_t newTokens,
                                          uint32_t held) {
  if (auto added = addSequences(engine, sequences, promptTokens, newTokens, held); !added)
    return passError(std::move(added));
  std::vector<TimedStep> steps;
  while (true) {
    double begin = now();
    auto step = engine.step();
    if (!step)
      return passError(std::move(step));
    if (step->idle())
      return steps;
    steps.push_back({begin, now() - begin, step->promptTokens, step->decodeTokens});
  }
}

Expected<double> decodeStep(Engine &engine, uint32_t sequences, uint32_t context) {
  if (auto added = addSequences(engine, sequences, context, 1, context - 1); !added)
    return passError(std::move(added));
  double begin = now();
  auto step = engine.step();
  double seconds = now() - begin;
  if (!step)
    return passError(std::move(step));
  if (step->tokens.size() != sequences)
    return makeError("no step decodes all of --sequences {} at once after --context {}; raise --max-sequences",
                     sequences, context);
  return seconds;
}

} // namespace quipu::tool
