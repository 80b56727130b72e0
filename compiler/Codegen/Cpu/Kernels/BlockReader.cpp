#include "compiler/Codegen/Cpu/Kernels/BlockReader.h"

#include "compiler/Quantization/Blocks.h"

namespace quipu::cpu {

using Scales = BlockLayout::Scales;

constexpr int64_t quadBytes = panelRows * 4;

Value BlockReader::widenedF16(Value address) const { return b.widenF16(b.load(address, b.i16(b.lanes()), 2)); }

int64_t BlockReader::preparedBytes() const {
  return layout.scales == Scales::Q4K ? layout.runs() * 2 * panelRows * 4 : 0;
}

// Scales and minimums of q4_k as f32: [runs][scale, minimum][64].
void BlockReader::prepareUnit(Value unit, Value prepared) const {
  if (layout.scales != Scales::Q4K)
    return;
  mlir::Type words = b.i32(b.lanes());
  Value fields = b.offset(unit, 2 * panelRows * 2);
  b.loop(b.constant(0), b.constant(panelRows), b.lanes(), [&](Value column) {
    Value factor[2] = {widenedF16(b.offset(unit, column, 2)),
                       widenedF16(b.offset(b.offset(unit, panelRows * 2), column, 2))};
    Value word[3];
    for (int64_t i = 0; i < 3; ++i)
      word[i] = b.load(b.offset(b.offset(fields, i * panelRows * 4), column, 4), words);
    auto field = [&](int64_t i) {
      if (i < 15)
        return b.bitAnd(b.shiftRight(word[i / 5], i % 5 * 6), b.constant(63, words));
      Value low = b.shiftRight(word[0], 30), middle = b.shiftLeft(b.shiftRight(word[1], 30), 2);
      return b.bitOr(b.bitOr(low, middle), b.shiftLeft(b.shiftRight(word[2], 30), 4));
    };
    for (int64_t i = 0; i < layout.runs() * 2; ++i)
      b.store(b.mulf(b.intToFloat(field(i)), factor[i % 2]),
              b.offset(b.offset(prepared, i * panelRows * 4), column, 4));
  });
}

Value BlockReader::nibbles(Value run, int64_t quad, Value column) const {
  mlir::Type words = b.i32(b.lanes());
  Value raw = b.load(b.offset(b.offset(run, quad % 4 * quadBytes), column, 4), words);
  return b.bitAnd(quad < 4 ? raw : b.shiftRight(raw, 4), b.constant(0x0f0f0f0f, words));
}

Value BlockReader::quad(Value run, int64_t quad, Value column) const {
  mlir::Type words = b.i32(b.lanes());
  if (layout.valueBits == 8)
    return b.load(b.offset(b.offset(run, quad * quadBytes), column, 4), words);
  Value low = nibbles(run, quad, column);
  if (layout.isLevel) {
    uint8_t levels[16];
    for (int64_t i = 0; i < 16; ++i)
      levels[i] = uint8_t(quantization::iq4Levels[size_t(i)] + layout.bias);
    return b.lookUp16(levels, low);
  }
  if (layout.valueBits == 4)
    return low;
  // Bit pair p of each byte comes to bits 4 and 5.
  Value pairs = b.load(b.offset(b.offset(run, (4 + quad / 4) * quadBytes), column, 4), words);
  int64_t left = 4 - 2 * (quad % 4);
  Value placed = left >= 0 ? b.shiftLeft(pairs, left) : b.shiftRight(pairs, -left);
  return b.bitOr(low, b.bitAnd(placed, b.constant(0x30303030, words)));
}

Value BlockReader::scale(Value unit, Value run, int64_t segment, Value column, Value prepared) const {
  switch (layout.scales) {
  case Scales::F16:
    return widenedF16(b.offset(unit, column, 2));
  case Scales::F32:
    return b.load(b.offset(b.offset(unit, segment * panelRows * 4), column, 4), b.f32(b.lanes()));
  case Scales::Q4K:
    return b.load(b.offset(b.offset(prepared, run, 2 * panelRows * 4), column, 4), b.f32(b.lanes()));
  case Scales::Q6K: {
    Value bytes = b.offset(b.offset(unit, run, 2 * panelRows), (2 + segment) * panelRows);
    Value factor = widenedF16(b.offset(unit, column, 2));
    Value small = b.signExtend(b.load(b.offset(bytes, column, 1), b.i8(b.lanes()), 1), b.i32(b.lanes()));
    return b.mulf(b.intToFloat(small), factor);
  }
  }
  return {};
}

Value BlockReader::minimum(Value unit, Value run, Value column, Value prepared) const {
  if (layout.scales == Scales::F32)
    return b.load(b.offset(b.offset(unit, layout.segments() * panelRows * 4), column, 4), b.f32(b.lanes()));
  if (layout.scales == Scales::Q4K)
    return b.load(b.offset(b.offset(b.offset(prepared, run, 2 * panelRows * 4), panelRows * 4), column, 4),
                  b.f32(b.lanes()));
  Value zero = b.load(b.offset(b.offset(unit, 2 * panelRows), column, 1), b.i8(b.lanes()), 1);
  return b.mulf(b.intToFloat(b.zeroExtend(zero, b.i32(b.lanes()))), widenedF16(b.offset(unit, column, 2)));
}

llvm::SmallVector<int64_t> BlockReader::quadOrder(int64_t segment) const {
  llvm::SmallVector<int64_t> order;
  int64_t count = quadsInRun / layout.segments();
  for (int64_t i = 0; i < count; ++i)
    order.push_back(segment * count + (layout.valueBits == 4 ? i / 2 + i % 2 * 4 : i));
  return order;
}

} // namespace quipu::cpu
