// Normalisation of a row: rms_norm (Zhang and Sennrich 2019) and layer_norm (Ba et al. 2016). Every kernel that
// normalises does so through here: the launches of their own, the prologue of matmul, the heads of rope_append.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/KernelSpec.h"

#include <optional>

namespace quipu::cpu {

struct Norm {
  bool centred; // layer_norm: the mean is taken off
  double eps;

  // Parameters `norm_eps` and `centred`; nothing where there is no `norm_eps`.
  static std::optional<Norm> read(ParamReader &params);
};

// y = (x * scale + shift) * gain + bias, column by column.
struct RowNorm {
  Value scale;
  Value shift; // null for rms_norm
};

// Scalars f32 of a row of `k` columns, of which `count` (0 or k) are there.
RowNorm rowNorm(KernelBuilder &b, const Norm &norm, Value row, int64_t k, Value count);
// The same in every lane.
RowNorm broadcast(KernelBuilder &b, const RowNorm &norm);

// lanes() normalised columns from `column` on; gain and bias are f32 rows, or null. `mask`: lanes that are there, the
// others become 0; null: all are.
Value normalised(KernelBuilder &b, const RowNorm &norm, Value x, Value gain, Value bias, Value column, Value mask);

} // namespace quipu::cpu
