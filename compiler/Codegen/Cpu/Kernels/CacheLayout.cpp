#include "compiler/Codegen/Cpu/Kernels/CacheLayout.h"

namespace quipu::cpu {

Value CacheLayout::load(KernelBuilder &b, Value address, int64_t lanes) const {
  if (element == Storage::F32)
    return b.load(address, b.f32(lanes));
  return b.widenBf16(b.load(address, b.i16(lanes), 2));
}

void CacheLayout::store(KernelBuilder &b, Value value, Value address, Value mask) const {
  if (element == Storage::F32)
    b.store(value, address, mask);
  else
    b.store(b.roundToBf16(value), address, mask, 2);
}

CacheLayout readCacheLayout(ParamReader &params, int64_t kvHeads, int64_t dim) {
  CacheLayout layout{kvHeads, dim, params.integer("page_size"), params.storage("elem")};
  params.require(layout.pageSize % 16 == 0,
                 fmt::format("expected page_size to be a multiple of 16, got {}", layout.pageSize));
  return layout;
}

} // namespace quipu::cpu
