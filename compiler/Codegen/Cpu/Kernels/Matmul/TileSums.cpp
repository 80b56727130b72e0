#include "compiler/Codegen/Cpu/Kernels/Matmul/TileSums.h"

namespace quipu::cpu {

TileSums::Row TileSums::row(Value t) const {
  Row row{b.offset(sums, t, rowBytes(form)), {}};
  for (int64_t part = 0; part < form.parts && form.hasShifts; ++part) {
    Value first = b.offset(packed, form.rowScaleAt(tile * form.parts, part));
    row.scales.push_back(b.broadcast(b.load(b.offset(first, t, form.parts * 4), b.f32()), b.lanes()));
  }
  return row;
}

Value TileSums::load(const Row &row, Value column) const {
  Value sum;
  for (int64_t part = 0; part < form.parts; ++part) {
    Value own = b.load(b.offset(b.offset(row.address, part * panelRows * 4), column, 4), b.f32(b.lanes()));
    if (!row.scales.empty())
      own = b.mulf(own, row.scales[size_t(part)]);
    sum = part == 0 ? own : b.addf(sum, own);
  }
  return sum;
}

} // namespace quipu::cpu
