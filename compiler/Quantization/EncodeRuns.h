// Blocks of 32 that are one run: with one scale, an offset beside it, or the levels of a table.
#pragma once

#include "compiler/Quantization/Blocks.h"
#include "compiler/Quantization/ScaleSearch.h"

namespace quipu::quantization {

// Scales tried on each side of the one that reaches the extreme. Eight bits gain nothing by it.
constexpr int fourBitSpread = 14;

// Byte 16 r + j holds element 32 r + j low and 32 r + j + 16 high.
void storeNibbles(const uint8_t *levels, int64_t elements, uint8_t *out);

BlockQ4_1 encodeQ4_1(const Run &run);
BlockQ5_0 encodeQ5_0(const Run &run);
BlockQ5_1 encodeQ5_1(const Run &run);
BlockQ4_0 encodeIq4Nl(const Run &run);
BlockMxfp4 encodeMxfp4(const Run &run);

} // namespace quipu::quantization
