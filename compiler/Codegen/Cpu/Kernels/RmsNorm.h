// Root mean square norm of a row (Zhang and Sennrich 2019), for the kernel of that name and for matmul's prologue.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"

namespace quipu::cpu {

// 1 / sqrt(mean(x^2) + eps) of the f32 row of k elements at `row`; `count` is k, or 0 for a row that is not there.
Value rmsNormScale(KernelBuilder &b, Value row, int64_t k, Value count, double eps);

} // namespace quipu::cpu
