// Super-blocks: scales of runs that are integers themselves, in units of one f16 scale of the whole block.
#pragma once

#include "compiler/Quantization/Blocks.h"
#include "compiler/Quantization/ScaleSearch.h"

namespace quipu::quantization {

BlockQ2K encodeQ2K(const float *values, const float *importance);
BlockQ3K encodeQ3K(const float *values, const float *importance);
BlockQ4K encodeQ4K(const float *values, const float *importance);
BlockQ5K encodeQ5K(const float *values, const float *importance);
BlockQ6K encodeQ6K(const float *values, const float *importance);
BlockIq4Xs encodeIq4Xs(const float *values, const float *importance);

} // namespace quipu::quantization
