// Conversion between the storage types of weights and float. The loops have no branches and no calls, so the compiler
// turns them into vector code for every x86-64; source and destination need no alignment.
#pragma once

#include "models/import/Checkpoint.h"

namespace quipu::models {

void f16ToFloat(const std::byte *source, int64_t count, float *out);
void bf16ToFloat(const std::byte *source, int64_t count, float *out);

// To the nearest value, ties to even; overflow gives infinity, NaN stays NaN.
void floatToF16(const float *source, int64_t count, uint16_t *out);
void floatToBf16(const float *source, int64_t count, uint16_t *out);

// Converts rows [firstRow, firstRow + rows) of a tensor of F32, F16 or BF16 (see TensorInfo::rows) into
// out[rows * rowSize()]. Fails on another dtype and on rows the tensor does not have.
Expected<> convertRows(const TensorInfo &tensor, int64_t firstRow, int64_t rows, float *out);

} // namespace quipu::models
