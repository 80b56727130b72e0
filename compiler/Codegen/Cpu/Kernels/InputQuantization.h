// The prologue of matmul with quantised weights: a tile's rows as int8 in runs of 32 with a scale, as PackedInput says.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

namespace quipu::cpu {

// Vector `index` of lanes() f32 of row `row` of the tile in the run that is being packed.
using InputVector = llvm::function_ref<Value(int64_t row, int64_t index)>;

// Writes one run of the tile to `destination`. The scale of a row is its largest magnitude / 127, so q = round(x /
// scale) is never -128; a row of which an element is no number gets a scale that is none. `tile` counts rows of x.
void quantizeRun(KernelBuilder &b, const PackedInput &form, int64_t tile, InputVector input, Value destination);

} // namespace quipu::cpu
