// What `verify` runs: a few ragged steps over three sequences, so that prompts, later chunks, mixed batches and single
// tokens all occur.
#pragma once

#include "compiler/Reference/Evaluator.h"
#include "runtime/Device/Step.h"

#include <cstdint>
#include <vector>

namespace quipu::verify {

struct Script {
  std::vector<std::vector<int32_t>> tokens; // of each sequence, all steps together
  // Of each step: how many tokens of which sequence.
  struct Part {
    int32_t sequence;
    int32_t count;
  };
  std::vector<std::vector<Part>> steps;
};

// `prompt` is the first sequence's start where it is not empty; other ids are drawn from the vocabulary by a fixed
// seed. Sequences stay within `context` positions.
Script makeScript(const std::vector<int32_t> &prompt, int64_t vocab, int64_t context);

// One step of the script as the reference takes it. Logits are asked for at the last token of each sequence.
struct ScriptStep {
  reference::Inputs inputs;
  std::vector<int32_t> contextLens;               // of each sequence of the step
  std::vector<std::pair<int32_t, int32_t>> asked; // sequence and position of each asked-for row
};

// `done` holds how many tokens of each sequence earlier steps took, and is moved on.
ScriptStep takeStep(const Script &script, size_t index, std::vector<int32_t> &done);

// The same step for a device; sequence s owns the pages from s * page_stride on.
Step deviceStep(const ScriptStep &step, const MemoryPlan &plan);

} // namespace quipu::verify
