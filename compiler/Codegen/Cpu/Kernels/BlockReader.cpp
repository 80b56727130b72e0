#include "compiler/Codegen/Cpu/Kernels/BlockReader.h"

#include "compiler/Quantization/Blocks.h"

namespace quipu::cpu {

using Format = BlockLayout::Scales;

Value BlockReader::widenedF16(Value address, Value column) const {
  return b.widenF16(b.load(b.offset(address, column, 2), b.i16(b.lanes()), 2));
}

Value BlockReader::bytes(Value address, Value column, bool isSigned) const {
  Value small = b.load(b.offset(address, column, 1), b.i8(b.lanes()), 1);
  mlir::Type words = b.i32(b.lanes());
  return isSigned ? b.signExtend(small, words) : b.zeroExtend(small, words);
}

Value BlockReader::word(Value segment, int64_t index, Value column) const {
  int64_t before = layout.segmentScaleBytes() + index * panelRows * 4;
  return b.load(b.offset(b.offset(segment, before), column, 4), b.i32(b.lanes()));
}

Value BlockReader::run(Value unit, Value run) const {
  return b.offset(b.offset(unit, layout.unitScaleBytes()), run, layout.runBytes());
}

BlockReader::Scales BlockReader::unitScales(Value unit, Value column) const {
  Scales result{widenedF16(unit, column), {}, {}};
  Value second = b.offset(unit, 2 * panelRows);
  if (layout.scales == Format::Q4K) {
    result.minimum = widenedF16(second, column);
    result.lowBits = b.load(b.offset(b.offset(unit, 4 * panelRows), column, 4), b.i32(b.lanes()));
  } else if (layout.hasMinimum) {
    result.minimum = b.mulf(b.intToFloat(bytes(second, column, /*isSigned=*/false)), result.scale);
  }
  return result;
}

BlockReader::Scales BlockReader::segmentScales(const Scales &ofUnit, Value run, Value segment, Value column) const {
  if (layout.scales == Format::F16)
    return ofUnit;
  Value own = bytes(segment, column, /*isSigned=*/layout.scales == Format::Q6K);
  if (layout.scales == Format::Q6K)
    return {b.mulf(b.intToFloat(own), ofUnit.scale), {}, {}};
  Value minimum = integerMinimum(ofUnit, run, segment, column);
  return {b.mulf(b.intToFloat(masked(own, 0x3f)), ofUnit.scale), b.mulf(b.intToFloat(minimum), ofUnit.minimum), {}};
}

Value BlockReader::masked(Value words, int64_t mask) const {
  return b.bitAnd(words, b.constant(mask, words.getType()));
}

Value BlockReader::integerMinimum(const Scales &ofUnit, Value run, Value segment, Value column) const {
  Value place = b.sub(b.add(b.mul(b.div(run, 2), 4), 16), b.mul(b.rem(run, 2), 16));
  Value low = b.shiftRight(ofUnit.lowBits, b.broadcast(b.truncate(place, b.i32()), b.lanes()));
  Value high = b.shiftRight(bytes(segment, column, /*isSigned=*/false), 2);
  return b.bitOr(masked(low, 0xf), masked(high, 0x30));
}

Value BlockReader::minimumPair(const Scales &ofUnit, Value unit, int64_t pair, Value column) const {
  auto own = [&](int64_t index) {
    return bytes(segment(run(unit, b.constant(2 * pair + index)), 0), column, /*isSigned=*/false);
  };
  Value high = b.bitOr(masked(b.shiftRight(own(1), 2), 0x30), masked(b.shiftLeft(own(0), 14), 0x300000));
  return b.bitOr(masked(b.shiftRight(ofUnit.lowBits, 4 * pair), 0xf000f), high);
}

Value BlockReader::nibbles(Value segment, int64_t quad, Value column) const {
  int64_t half = layout.segmentQuads() / 2;
  Value raw = word(segment, quad % half, column);
  return b.bitAnd(quad < half ? raw : b.shiftRight(raw, 4), b.constant(0x0f0f0f0f, raw.getType()));
}

Value BlockReader::quad(Value segment, int64_t quad, Value column) const {
  if (layout.valueBits == 8)
    return word(segment, quad, column);
  Value low = nibbles(segment, quad, column);
  if (layout.isLevel) {
    uint8_t levels[16];
    for (int64_t i = 0; i < 16; ++i)
      levels[i] = uint8_t(quantization::iq4Levels[size_t(i)] + layout.bias);
    return b.lookUp16(levels, low);
  }
  if (layout.valueBits == 4)
    return low;
  // Bit pair p of each byte comes to bits 4 and 5.
  Value pairs = word(segment, layout.segmentQuads() / 2 + quad / 4, column);
  int64_t left = 4 - 2 * (quad % 4);
  Value placed = left >= 0 ? b.shiftLeft(pairs, left) : b.shiftRight(pairs, -left);
  return b.bitOr(low, b.bitAnd(placed, b.constant(0x30303030, pairs.getType())));
}

llvm::SmallVector<int64_t> BlockReader::quadOrder() const {
  llvm::SmallVector<int64_t> order;
  int64_t half = layout.segmentQuads() / 2;
  for (int64_t i = 0; i < layout.segmentQuads(); ++i)
    order.push_back(layout.valueBits == 8 ? i : i / 2 + i % 2 * half);
  return order;
}

} // namespace quipu::cpu
