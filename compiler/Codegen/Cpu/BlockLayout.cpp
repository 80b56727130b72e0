#include "compiler/Codegen/Cpu/BlockLayout.h"

#include <algorithm>

namespace quipu::cpu {
// What follows from the name of a format that is no super-block and has no table: bits of a value, and what is taken
// from it.
static void setSimple(BlockLayout &layout, const StorageFormat &format) {
  // One scale: 2 bytes, and 1 for a zero point.
  layout.valueBits = int64_t(format.blockBytes) - 2 < layout.columns ? 4 : 8;
  if (format.name.back() == 'z')
    layout.minimum = BlockLayout::Minimum::ZeroPoint;
  else
    layout.bias = int64_t(1) << (layout.valueBits - 1);
}

std::optional<BlockLayout> BlockLayout::of(const StorageFormat &format) {
  if (!format.isBlocked())
    return std::nullopt;
  BlockLayout layout;
  layout.columns = format.blockElements;
  auto set = [&](int64_t valueBits, int64_t bias, Scales scales, int64_t segmentColumns = runColumns) {
    layout.valueBits = valueBits;
    layout.bias = bias;
    layout.scales = scales;
    layout.segmentColumns = segmentColumns;
  };
  switch (format.dtype) {
  case fb::DType::q4_1:
  case fb::DType::q5_1:
    set(format.dtype == fb::DType::q4_1 ? 4 : 5, 0, Scales::F16);
    layout.minimum = Minimum::Offset;
    break;
  case fb::DType::q5_0:
    set(5, 16, Scales::F16);
    break;
  case fb::DType::iq4_nl:
  case fb::DType::iq4_xs:
    set(4, 128, format.dtype == fb::DType::iq4_nl ? Scales::F16 : Scales::Iq4Xs);
    layout.levels = &quantization::iq4Levels;
    break;
  case fb::DType::mxfp4:
    set(4, 12, Scales::Exponent);
    layout.levels = &quantization::fp4Levels;
    break;
  case fb::DType::q2_k:
    set(2, 0, Scales::Q2K, runColumns / 2);
    layout.minimum = Minimum::Integers;
    break;
  case fb::DType::q3_k:
    set(3, 4, Scales::Q3K, runColumns / 2);
    break;
  case fb::DType::q4_k:
  case fb::DType::q5_k:
    set(format.dtype == fb::DType::q4_k ? 4 : 5, 0, Scales::Q4K);
    layout.minimum = Minimum::Integers;
    break;
  case fb::DType::q6_k:
    set(6, 32, Scales::Q6K, runColumns / 2);
    break;
  default:
    setSimple(layout, format);
  }
  return layout;
}

int64_t BlockLayout::quadsIn16Bits() const {
  int64_t largest = levels ? *std::max_element(levels->begin(), levels->end()) + bias : (int64_t(1) << valueBits) - 1;
  return 32767 / (2 * 127 * largest);
}

int64_t BlockLayout::unitScaleBytes() const {
  switch (scales) {
  case Scales::F16:
    return panelRows * (minimum == Minimum::None ? 2 : minimum == Minimum::ZeroPoint ? 3 : 4);
  case Scales::Exponent:
    return panelRows;
  case Scales::Q2K:
    return panelRows * (2 + 2);
  case Scales::Q3K:
    return panelRows * (2 + 4);
  case Scales::Q4K:
    return panelRows * (2 + 2 + 4);
  case Scales::Q6K:
    return panelRows * 2;
  case Scales::Iq4Xs:
    return panelRows * (2 + 2 + 4);
  }
  return 0;
}

int64_t BlockLayout::segmentScaleBytes() const {
  return scales == Scales::Q2K || scales == Scales::Q4K || scales == Scales::Q6K ? panelRows : 0;
}

} // namespace quipu::cpu
