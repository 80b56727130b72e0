// The prologue of matmul with quantised weights: a tile's rows as int8 in runs of 32 with a scale, as PackedInput says.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

namespace quipu::cpu {

// lanes() f32 of row `row` of the tile, from `column` on.
using InputColumns = llvm::function_ref<Value(int64_t row, Value column)>;

// What turns rows to int8. Lane r is row r's: the bits of its largest magnitude, and f32 factors to int8 and back. The
// factor back is that magnitude / 127, so an integer is never -128; of a row with an element that is no number it is
// none.
struct Rounding {
  Value largest, factors, scales;
};

// Of the whole rows: all columns below `columns`, which are a multiple of lanes().
Rounding roundingOfRows(KernelBuilder &b, int64_t tile, Value columns, InputColumns input);

// Writes the run of the tile that begins at `column` to `destination`. `tile` counts rows of x; at most 8 rows, parts
// counted. `ofRows`: where the form has shifts. Gives what the next run gets as `before` where the weights have integer
// minima, i32; zeros for the first.
Value quantizeRun(KernelBuilder &b, const PackedInput &form, int64_t tile, InputColumns input, Value column,
                  const std::optional<Rounding> &ofRows, Value before, Value destination);
// Where the form has shifts: writes the scales of rows to the packed tile.
void storeRowScales(KernelBuilder &b, const PackedInput &form, int64_t tile, const Rounding &ofRows, Value packed);

} // namespace quipu::cpu
