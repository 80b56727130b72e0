// The figures of a bench: speeds, and the machine's limits probed in the same run.
#pragma once

#include "runtime/Engine/Engine.h"
#include "tools/quipu/Commands/Bench/Pairs.h"
#include "tools/quipu/Commands/Bench/StepCost.h"

#include <vector>

namespace quipu::tool {

struct BenchShape {
  uint32_t promptTokens = 512;         // 0: no prompt run
  uint32_t newTokens = 64;             // of each sequence; 0: no decode run
  uint32_t sequences = 1, context = 1; // of the decode run: each has `context` tokens before it decodes
  uint32_t repeats = 5;

  // Cached positions of all sequences in the middle of the decode run, and those of them that a run after one token
  // does not have.
  double positions() const { return sequences * (context + (newTokens - 1) / 2.0); }
  double morePositions() const { return double(sequences) * (context - 1); }
};

struct Figures {
  // One of each for each repeat.
  std::vector<double> prompt, decode; // tokens/s, of all sequences
  // Bytes/s that samples between the decode steps found, and the part of it that the steps themselves must read. Empty
  // where the device has no probe.
  std::vector<double> bandwidth, share;
  std::vector<Pair> pairs;        // of all repeats
  std::string_view bandwidthKind; // "read", "copy"
  double peak = 0;                // of the dot instruction, operations/s: the better of before and after; 0: not probed
};

// `peak`: the member for the instruction of the program's matmuls.
Expected<Figures> measure(Engine &engine, const BenchShape &shape, const StepCost &cost, double DevicePeaks::*peak);

} // namespace quipu::tool
