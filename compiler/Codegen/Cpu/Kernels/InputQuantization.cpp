#include "compiler/Codegen/Cpu/Kernels/InputQuantization.h"

#include "compiler/Codegen/Cpu/Kernels/InputPacking.h"

namespace quipu::cpu {
namespace {

// A row of the run as int32 in -127 .. 127, lanes() at a time.
struct QuantizedRow {
  Values vectors;
  Value scale; // f32
};

QuantizedRow quantizeRow(KernelBuilder &b, const Values &row) {
  int64_t lanes = b.lanes();
  // Magnitudes are compared as integers: in that order NaN is the largest, and is not lost.
  Value largest;
  for (Value v : row) {
    Value magnitude = b.bitAnd(b.bitcast(v, b.i32(lanes)), b.constant(0x7fffffff, b.i32(lanes)));
    largest = largest ? b.larger(largest, magnitude) : magnitude;
  }
  Value most = b.bitcast(b.reduceMax(largest), b.f32());
  // What is too small for 127 / most to be a number counts as zero.
  Value factor = b.select(b.lessf(b.real(1e-36), most), b.divf(b.real(127), most), b.real(0));
  QuantizedRow result{{}, b.divf(most, b.real(127))};
  for (Value v : row)
    result.vectors.push_back(b.floatToInt(b.mulf(v, b.broadcast(factor, lanes))));
  return result;
}

// What the rounding of `row` left.
Values remainder(KernelBuilder &b, const Values &row, const QuantizedRow &rounded) {
  Value scale = b.negf(b.broadcast(rounded.scale, b.lanes()));
  Values left;
  for (auto [value, integer] : llvm::zip_equal(row, rounded.vectors))
    left.push_back(b.fma(b.intToFloat(integer), scale, value));
  return left;
}

// The vectors one after the other.
Value concatenate(KernelBuilder &b, Values vectors) {
  while (vectors.size() > 1) {
    Values joined;
    for (size_t i = 0; i < vectors.size(); i += 2) {
      llvm::SmallVector<int64_t> inOrder;
      int64_t lanes = mlir::cast<mlir::VectorType>(vectors[i].getType()).getNumElements();
      for (int64_t lane = 0; lane < 2 * lanes; ++lane)
        inOrder.push_back(lane);
      joined.push_back(b.shuffle(vectors[i], vectors[i + 1], inOrder));
    }
    vectors = joined;
  }
  return vectors[0];
}

// The row's words in order.
Value words(KernelBuilder &b, const PackedInput &form, const QuantizedRow &row) {
  Values narrow;
  for (Value v : row.vectors)
    narrow.push_back(b.truncate(v, form.widened ? b.i16(b.lanes()) : b.i8(b.lanes())));
  Value all = concatenate(b, narrow);
  if (!form.widened)
    return b.bitcast(all, b.i32(quadsInRun));
  llvm::SmallVector<int64_t> evenThenOdd;
  for (int64_t quad = 0; quad < quadsInRun; ++quad)
    for (int64_t place : {0, 2, 1, 3})
      evenThenOdd.push_back(quad * 4 + place);
  return b.bitcast(b.shuffle(all, all, evenThenOdd), b.i32(2 * quadsInRun));
}

Value segmentSum(KernelBuilder &b, const PackedInput &form, const QuantizedRow &row, int64_t segment) {
  int64_t count = form.blocks->segmentColumns / b.lanes();
  Value sum = row.vectors[segment * count];
  for (int64_t i = 1; i < count; ++i)
    sum = b.add(sum, row.vectors[segment * count + i]);
  return b.reduceAdd(sum);
}

} // namespace

void quantizeRun(KernelBuilder &b, const PackedInput &form, int64_t tile, InputVector input, Value destination) {
  Values rowWords;
  auto add = [&](const QuantizedRow &quantized) {
    int64_t packedTile = tile * form.parts, t = int64_t(rowWords.size());
    rowWords.push_back(words(b, form, quantized));
    b.store(quantized.scale, b.offset(destination, form.scaleAt(packedTile, t)));
    for (int64_t segment = 0; segment < form.blocks->segments(); ++segment) {
      Value sum = segmentSum(b, form, quantized, segment);
      Value correction = form.blocks->hasMinimum ? b.intToFloat(sum) : b.mul(sum, -form.blocks->bias);
      b.store(correction, b.offset(destination, form.correctionAt(packedTile, segment, t)));
    }
  };
  for (int64_t t = 0; t < tile; ++t) {
    Values row;
    for (int64_t i = 0; i < runColumns / b.lanes(); ++i)
      row.push_back(input(t, i));
    QuantizedRow quantized = quantizeRow(b, row);
    add(quantized);
    if (form.parts == 2)
      add(quantizeRow(b, remainder(b, row, quantized)));
  }
  int64_t wordCount = quadsInRun * form.wordsOfQuad(), at = 0;
  for (Value mixed : interleave(b, rowWords)) {
    b.store(mixed, b.offset(destination, at));
    at += wordCount * 4;
  }
}

} // namespace quipu::cpu
