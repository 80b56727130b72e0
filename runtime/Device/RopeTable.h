#pragma once

#include "runtime/Artifact/Program_generated.h"

#include <cstdint>

namespace quipu {

// Fills [positions, dim] floats: in row p the cosines of the dim/2 angles p * inv_freq[i], then their sines, both times
// the attention factor; computed in float64.
void fillRopeTable(const fb::RopeTable &table, uint32_t positions, float *out);

} // namespace quipu
