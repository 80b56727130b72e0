#include "compiler/Codegen/Cpu/BlockLayout.h"

namespace quipu::cpu {

std::optional<BlockLayout> BlockLayout::of(const StorageFormat &format) {
  if (!format.isBlocked())
    return std::nullopt;
  BlockLayout layout;
  layout.columns = format.blockElements;
  switch (format.dtype) {
  case fb::DType::q4_k:
    layout.valueBits = 4;
    layout.hasMinimum = true;
    layout.scales = Scales::Q4K;
    return layout;
  case fb::DType::q6_k:
    layout.valueBits = 6;
    layout.bias = 32;
    layout.scales = Scales::Q6K;
    layout.segmentColumns = 16;
    return layout;
  case fb::DType::iq4_nl:
    layout.valueBits = 4;
    layout.isLevel = true;
    layout.bias = 128;
    return layout;
  default:
    // One scale: 2 bytes, and 1 for a zero point.
    layout.valueBits = int64_t(format.blockBytes) - 2 < layout.columns ? 4 : 8;
    layout.hasMinimum = format.name.back() == 'z';
    layout.bias = layout.hasMinimum ? 0 : int64_t(1) << (layout.valueBits - 1);
    return layout;
  }
}

int64_t BlockLayout::unitScaleBytes() const {
  switch (scales) {
  case Scales::F16:
    return panelRows * (hasMinimum ? 3 : 2);
  case Scales::Q4K:
    return panelRows * (2 + 2 + 4);
  case Scales::Q6K:
    return panelRows * 2;
  }
  return 0;
}

} // namespace quipu::cpu
