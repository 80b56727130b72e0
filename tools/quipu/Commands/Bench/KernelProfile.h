// Where the time of steps goes, kernel by kernel: as a table, and as a trace that ui.perfetto.dev and chrome://tracing
// show.
#pragma once

#include "runtime/Support/OutputFile.h"
#include "tools/quipu/Commands/Bench/TimedSteps.h"

#include <string>

namespace quipu::tool {

struct KernelProfile {
  std::string title; // "prompt", "decode"
  std::vector<TimedStep> steps;
  std::vector<KernelSpan> spans; // within these steps
};

// Takes the time of each kernel, which costs a little: these steps are no part of other figures. Only steps of `kind`
// are kept.
Expected<KernelProfile> profileSteps(Engine &engine, StepKind kind, uint32_t sequences, uint32_t promptTokens,
                                     uint32_t newTokens, uint32_t held = 0);

void printProfile(const KernelProfile &profile, const fb::TargetProgram &target);

// Chrome's trace format: a track of steps, and one for each worker with its kernels and its waits for the others.
Expected<> writeTrace(OutputFile &file, const std::vector<KernelProfile> &profiles, const fb::TargetProgram &target);

} // namespace quipu::tool
