#include "compiler/Codegen/Cpu/Kernels/Matmul/BlockReader.h"

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

Value BlockReader::word(Value words, int64_t index, Value column) const {
  return b.load(b.offset(b.offset(words, index * panelRows * 4), column, 4), b.i32(b.lanes()));
}

Value BlockReader::masked(Value words, int64_t mask) const {
  return b.bitAnd(words, b.constant(mask, words.getType()));
}

BlockReader::Run BlockReader::run(Value unit, Value index) const {
  return {index, b.offset(b.offset(unit, layout.unitScaleBytes()), index, layout.runBytes())};
}

Value BlockReader::at(const Run &run, int64_t segment) const {
  return b.offset(run.address, layout.runHeadBytes() + segment * layout.segmentBytes());
}

// 2^(byte - 128): the exponent of an f32 is one less, but for the lowest two, which are subnormal.
Value BlockReader::widenedExponent(Value address, Value column) const {
  Value exponent = bytes(address, column, /*isSigned=*/false);
  mlir::Type words = exponent.getType();
  Value normal = b.shiftLeft(b.add(exponent, -1), 23);
  Value subnormal = b.shiftLeft(b.add(exponent, 1), 21);
  return b.bitcast(b.select(b.less(exponent, b.constant(2, words)), subnormal, normal), b.f32(b.lanes()));
}

BlockReader::Scales BlockReader::unitScales(Value unit, Value column) const {
  if (layout.scales == Format::Exponent)
    return {widenedExponent(unit, column), {}, {}, {}};
  Scales result{widenedF16(unit, column), {}, {}, {}};
  Value second = b.offset(unit, 2 * panelRows), third = b.offset(unit, 4 * panelRows);
  if (layout.hasIntegerMinima())
    result.minimum = widenedF16(second, column);
  else if (layout.minimum == BlockLayout::Minimum::Offset)
    result.minimum = b.negf(widenedF16(second, column));
  else if (layout.minimum == BlockLayout::Minimum::ZeroPoint)
    result.minimum = b.mulf(b.intToFloat(bytes(second, column, /*isSigned=*/false)), result.scale);
  if (layout.scales == Format::Q4K || layout.scales == Format::Iq4Xs)
    result.low = word(third, 0, column);
  if (layout.scales == Format::Iq4Xs)
    result.high = b.zeroExtend(b.load(b.offset(second, column, 2), b.i16(b.lanes()), 2), b.i32(b.lanes()));
  if (layout.scales == Format::Q3K)
    result.high = word(second, 0, column);
  return result;
}

Value BlockReader::shiftedByRun(Value words, const Run &run, int64_t bitsOfRun) const {
  return b.shiftRight(words, b.broadcast(b.truncate(b.mul(run.index, bitsOfRun), b.i32()), b.lanes()));
}

// i32.
Value BlockReader::integerScale(const Scales &ofUnit, const Run &run, int64_t segment, Value column) const {
  auto signedSixBits = [&](Value low, Value high) {
    return b.add(b.bitOr(masked(low, 0x0f), masked(high, 0x30)), -32);
  };
  switch (layout.scales) {
  case Format::Q3K:
    return signedSixBits(b.shiftRight(bytes(run.address, column, /*isSigned=*/false), 4 * segment),
                         b.shiftLeft(shiftedByRun(ofUnit.high, run, 4), 4 - 2 * segment));
  case Format::Iq4Xs:
    return signedSixBits(shiftedByRun(ofUnit.low, run, 4), b.shiftLeft(shiftedByRun(ofUnit.high, run, 2), 4));
  case Format::Q6K:
    return bytes(at(run, segment), column, /*isSigned=*/true);
  default:
    return masked(bytes(at(run, segment), column, /*isSigned=*/false), layout.scales == Format::Q2K ? 0x0f : 0x3f);
  }
}

BlockReader::Scales BlockReader::segmentScales(const Scales &ofUnit, const Run &run, int64_t segment,
                                               Value column) const {
  if (layout.scales == Format::F16 || layout.scales == Format::Exponent)
    return ofUnit;
  Scales result{b.mulf(b.intToFloat(integerScale(ofUnit, run, segment, column)), ofUnit.scale), {}, {}, {}};
  if (layout.hasIntegerMinima()) {
    Value minima = minimaOfRun(ofUnit, run, column);
    Value own = segment == 0 ? masked(minima, 0xffff) : b.shiftRight(minima, 16);
    result.minimum = b.mulf(b.intToFloat(own), ofUnit.minimum);
  }
  return result;
}

Value BlockReader::minimaOfRun(const Scales &ofUnit, const Run &run, Value column) const {
  auto ofSegment = [&](int64_t segment) { return bytes(at(run, segment), column, /*isSigned=*/false); };
  if (layout.scales == Format::Q2K)
    return b.bitOr(b.shiftRight(ofSegment(0), 4), masked(b.shiftLeft(ofSegment(1), 12), 0xf0000));
  Value place = b.sub(b.add(b.mul(b.div(run.index, 2), 4), 16), b.mul(b.rem(run.index, 2), 16));
  Value low = b.shiftRight(ofUnit.low, b.broadcast(b.truncate(place, b.i32()), b.lanes()));
  return b.bitOr(masked(low, 0xf), masked(b.shiftRight(ofSegment(0), 2), 0x30));
}

Value BlockReader::minimumPair(const Scales &ofUnit, Value unit, int64_t pair, Value column) const {
  if (layout.scales == Format::Q2K)
    return minimaOfRun(ofUnit, run(unit, b.constant(pair)), column);
  auto own = [&](int64_t index) {
    return bytes(at(run(unit, b.constant(2 * pair + index)), 0), column, /*isSigned=*/false);
  };
  Value high = b.bitOr(masked(b.shiftRight(own(1), 2), 0x30), masked(b.shiftLeft(own(0), 14), 0x300000));
  return b.bitOr(masked(b.shiftRight(ofUnit.low, 4 * pair), 0xf000f), high);
}

// Of each byte, the bits above its low ones, where they belong.
Value BlockReader::highBits(const Run &run, int64_t segment, int64_t quad, Value column) const {
  int64_t bits = layout.highBits(), quadsOfWord = 8 / bits;
  Value words = b.offset(at(run, segment), layout.segmentScaleBytes() + layout.segmentLowBytes());
  if (layout.runHasHighBits()) {
    words = b.offset(run.address, layout.runScaleBytes());
    quad += segment * layout.segmentQuads();
  }
  Value raw = word(words, quad / quadsOfWord, column);
  int64_t left = layout.lowBits() - quad % quadsOfWord * bits;
  Value placed = left >= 0 ? b.shiftLeft(raw, left) : b.shiftRight(raw, -left);
  return masked(placed, ((int64_t(1) << bits) - 1) * 0x01010101 << layout.lowBits());
}

Value BlockReader::quad(const Run &run, int64_t segment, int64_t quad, Value column) const {
  int64_t bits = layout.lowBits(), words = layout.segmentQuads() * bits / 8;
  Value low = word(b.offset(at(run, segment), layout.segmentScaleBytes()), quad % words, column);
  if (bits < 8)
    low = masked(b.shiftRight(low, quad / words * bits), ((int64_t(1) << bits) - 1) * 0x01010101);
  if (layout.levels) {
    uint8_t levels[16];
    for (size_t i = 0; i < 16; ++i)
      levels[i] = uint8_t((*layout.levels)[i] + layout.bias);
    return b.lookUp16(levels, low);
  }
  return layout.highBits() == 0 ? low : b.bitOr(low, highBits(run, segment, quad, column));
}

llvm::SmallVector<int64_t> BlockReader::quadOrder() const {
  llvm::SmallVector<int64_t> order;
  int64_t inByte = 8 / layout.lowBits(), words = layout.segmentQuads() / inByte;
  for (int64_t i = 0; i < layout.segmentQuads(); ++i)
    order.push_back(i / inByte + i % inByte * words);
  return order;
}

} // namespace quipu::cpu
