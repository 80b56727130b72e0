// Two situations compared by steps in turn. Memory that others share gives half as much from one second to the next, so
// figures of two runs, one behind the other, say more about the seconds than about the situations; what steps take that
// are milliseconds apart differs by the situation alone, and the middle of many such pairs by little else.
#pragma once

#include "runtime/Device/Device.h"

#include <vector>

namespace quipu::tool {

// Mean seconds of a step in each situation, over turns of one step each within a fraction of a second.
struct Pair {
  double step = 0;     // of all sequences after the context
  double afterOne = 0; // of all sequences after one token; 0: not taken
  double alone = 0;    // of one sequence after the context; 0: not taken
  uint32_t turns = 0;
  Transfer probed; // right before and right after; nothing where the device has no probe
};

// Of values in order, those a quarter, a half and three quarters of the way; between two neighbours by interpolation.
struct Quartiles {
  double lower = 0, median = 0, upper = 0;
};
Quartiles quartilesOf(std::vector<double> values); // at least one

// Steps after the context held against steps after one token.
struct ContextCost {
  Quartiles times;  // the one's time in that of the other
  Quartiles longer; // seconds
  // Seconds in which the bytes that only the longer context reads come at the bandwidth probed in the same pair, and
  // `longer` in parts of them. 0 without a probe.
  Quartiles explained, longerToExplained;
};
ContextCost contextCost(const std::vector<Pair> &pairs, double bytes);

// Tokens/s of `sequences` in steps together, in those of one.
Quartiles batchGain(const std::vector<Pair> &pairs, uint32_t sequences);

} // namespace quipu::tool
