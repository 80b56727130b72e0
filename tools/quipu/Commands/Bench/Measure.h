// The figures of a bench: speeds, and the machine's limits probed in the same run.
#pragma once

#include "runtime/Engine/Engine.h"
#include "tools/quipu/Commands/Bench/StepCost.h"

#include <vector>

namespace quipu::tool {

struct BenchShape {
  uint32_t promptTokens = 512;         // 0: no prompt run
  uint32_t newTokens = 64;             // of each sequence; 0: no decode run
  uint32_t sequences = 1, context = 1; // of the decode run: each has `context` tokens before it decodes
  uint32_t repeats = 5;

  // Cached positions of all sequences at the middle of the decode run.
  double positions() const { return sequences * (context + newTokens / 2.0); }
  // The same run after a single token.
  BenchShape afterOne() const {
    BenchShape shape = *this;
    shape.context = 1;
    return shape;
  }
};

// One of each for each repeat.
struct Figures {
  std::vector<double> prompt, decode; // tokens/s, of all sequences
  // Bytes/s that samples between the decode steps found, and the part of it that the steps themselves must read. Empty
  // where the device has no probe.
  std::vector<double> bandwidth, share;
  // Of a context of more than one token: seconds that a step takes longer than after one, in a run beside it, and the
  // part of them in which its bytes of the cache are read at that bandwidth.
  std::vector<double> longer, longerByCache;
  std::string_view bandwidthKind; // "read", "copy"
  double peak = 0;                // of the dot instruction, operations/s: the better of before and after; 0: not probed
};

// `peak`: the member for the instruction of the program's matmuls.
Expected<Figures> measure(Engine &engine, const BenchShape &shape, const StepCost &cost, double DevicePeaks::*peak);

} // namespace quipu::tool
