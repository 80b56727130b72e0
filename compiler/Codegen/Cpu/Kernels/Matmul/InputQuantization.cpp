#include "compiler/Codegen/Cpu/Kernels/Matmul/InputQuantization.h"

#include "compiler/Codegen/Cpu/Kernels/Matmul/InputPacking.h"

namespace quipu::cpu {
namespace {

using Join = llvm::function_ref<Value(Value a, Value b)>;

// Lane r of the result: all lanes of vectors[r] joined. At most lanes() vectors; each step halves the lanes of a row.
Value joinEach(KernelBuilder &b, Values vectors, Join join) {
  int64_t lanes = b.lanes();
  llvm::SmallVector<int64_t> even, odd;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    even.push_back(2 * lane);
    odd.push_back(2 * lane + 1);
  }
  for (int64_t left = lanes; left > 1; left /= 2) {
    Values next;
    for (size_t i = 0; i < vectors.size(); i += 2) {
      Value second = vectors[std::min(i + 1, vectors.size() - 1)];
      next.push_back(join(b.shuffle(vectors[i], second, even), b.shuffle(vectors[i], second, odd)));
    }
    vectors = next;
  }
  return vectors[0];
}

llvm::SmallVector<int64_t> everyLane(KernelBuilder &b, size_t lane) {
  return llvm::SmallVector<int64_t>(size_t(b.lanes()), int64_t(lane));
}

// The largest magnitude as an integer: in that order NaN is the largest, and is not lost.
Value largerMagnitude(KernelBuilder &b, Value largest, Value v) {
  return b.larger(largest, b.bitAnd(b.bitcast(v, largest.getType()), b.constant(0x7fffffff, largest.getType())));
}

Value largestOfEach(KernelBuilder &b, const Values &rows) {
  return joinEach(b, rows, [&](Value a, Value c) { return b.larger(a, c); });
}

// To int8 and back by the largest magnitude of each row.
Rounding roundingOf(KernelBuilder &b, Value largest) {
  int64_t lanes = b.lanes();
  Value most = b.bitcast(largest, b.f32(lanes)), all = b.real(127, lanes);
  // What is too small for what is made of 127 / most to be a number counts as zero.
  Value factors = b.select(b.lessf(b.real(1e-30, lanes), most), b.divf(all, most), b.real(0, lanes));
  return {largest, factors, b.divf(most, all)};
}

// Finer than the whole row's by the largest power of two that the run's largest magnitude leaves room for: numbers in
// the order of their bits, so a difference of 2^23 is a factor of two.
Rounding finerBy(KernelBuilder &b, const Rounding &ofRows, Value largest, Value &halvings) {
  Value room = b.shiftRight(b.sub(ofRows.largest, largest), 23);
  halvings = b.smaller(room, b.constant(PackedInput::mostShift, room.getType()));
  auto powerOf2 = [&](Value exponent) { return b.bitcast(b.shiftLeft(b.add(exponent, 127), 23), b.f32(b.lanes())); };
  Value negative = b.sub(b.zero(room.getType()), halvings);
  return {largest, b.mulf(ofRows.factors, powerOf2(halvings)), b.mulf(ofRows.scales, powerOf2(negative))};
}

// Rows of a run as int32 in -127 .. 127, lanes() columns at a time.
llvm::SmallVector<Values> rounded(KernelBuilder &b, const llvm::SmallVector<Values> &rows, const Rounding &rounding) {
  llvm::SmallVector<Values> result;
  for (size_t r = 0; r < rows.size(); ++r) {
    Value factor = b.shuffle(rounding.factors, rounding.factors, everyLane(b, r));
    Values integers;
    for (Value v : rows[r])
      integers.push_back(b.floatToInt(b.mulf(v, factor)));
    result.push_back(integers);
  }
  return result;
}

// What the rounding of `rows` left.
llvm::SmallVector<Values> remainders(KernelBuilder &b, const llvm::SmallVector<Values> &rows,
                                     const llvm::SmallVector<Values> &rounded, const Rounding &rounding) {
  llvm::SmallVector<Values> result;
  for (size_t r = 0; r < rows.size(); ++r) {
    Value scale = b.negf(b.shuffle(rounding.scales, rounding.scales, everyLane(b, r)));
    Values left;
    for (auto [value, integer] : llvm::zip_equal(rows[r], rounded[r]))
      left.push_back(b.fma(b.intToFloat(integer), scale, value));
    result.push_back(left);
  }
  return result;
}

// Of each remainder: at most half of what one stands for.
Rounding ofRemainders(KernelBuilder &b, const Rounding &first) {
  int64_t lanes = b.lanes();
  return {{}, b.mulf(first.factors, b.real(254, lanes)), b.divf(first.scales, b.real(254, lanes))};
}

// Lanes of each row followed by those of its remainder.
Value inTurn(KernelBuilder &b, Value first, Value second) {
  llvm::SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < b.lanes(); ++lane)
    mask.push_back(lane / 2 + lane % 2 * b.lanes());
  return b.shuffle(first, second, mask);
}

// The row's words in order.
Value words(KernelBuilder &b, const PackedInput &form, const Values &row) {
  Values narrow;
  for (Value v : row)
    narrow.push_back(b.truncate(v, form.widened ? b.i16(b.lanes()) : b.i8(b.lanes())));
  for (; narrow.size() > 1; narrow.resize(narrow.size() / 2))
    for (size_t i = 0; i < narrow.size() / 2; ++i)
      narrow[i] = b.concatenate(narrow[2 * i], narrow[2 * i + 1]);
  Value all = narrow[0];
  if (!form.widened)
    return b.bitcast(all, b.i32(quadsInRun));
  llvm::SmallVector<int64_t> evenThenOdd;
  for (int64_t quad = 0; quad < quadsInRun; ++quad)
    for (int64_t place : {0, 2, 1, 3})
      evenThenOdd.push_back(quad * 4 + place);
  return b.bitcast(b.shuffle(all, all, evenThenOdd), b.i32(2 * quadsInRun));
}

// What the bias or the minimum needs of each row, lane by lane. `shifts`: null, or what rows' integers are shifted by.
Value corrections(KernelBuilder &b, const PackedInput &form, const llvm::SmallVector<Values> &rows, Value shifts,
                  int64_t segment) {
  int64_t count = form.blocks->segmentColumns / b.lanes();
  Values sums;
  for (const Values &row : rows) {
    Value sum = row[size_t(segment * count)];
    for (int64_t i = 1; i < count; ++i)
      sum = b.add(sum, row[size_t(segment * count + i)]);
    sums.push_back(sum);
  }
  Value ofRows = joinEach(b, sums, [&](Value a, Value c) { return b.add(a, c); });
  if (form.blocks->hasIntegerMinima()) {
    constexpr int64_t half = 1 << (PackedInput::minimumShift - 1);
    return b.shiftRightSigned(b.add(b.shiftLeftEach(ofRows, shifts), half), PackedInput::minimumShift);
  }
  if (!form.blocks->hasMinimum())
    return b.mul(ofRows, -form.blocks->bias);
  return b.intToFloat(shifts ? b.shiftLeftEach(ofRows, shifts) : ofRows);
}

} // namespace

Rounding roundingOfRows(KernelBuilder &b, int64_t tile, Value columns, InputColumns input) {
  Values zeros(size_t(tile), b.zero(b.i32(b.lanes())));
  Values largest = b.loop(b.constant(0), columns, b.lanes(), zeros, [&](Value column, llvm::ArrayRef<Value> carried) {
    Values next;
    for (int64_t t = 0; t < tile; ++t)
      next.push_back(largerMagnitude(b, carried[size_t(t)], input(t, column)));
    return next;
  });
  return roundingOf(b, largestOfEach(b, largest));
}

Value quantizeRun(KernelBuilder &b, const PackedInput &form, int64_t tile, InputColumns input, Value column,
                  const std::optional<Rounding> &ofRows, Value before, Value destination) {
  llvm::SmallVector<Values> rows;
  Values largest;
  for (int64_t t = 0; t < tile; ++t) {
    Values row;
    Value ofRow = b.zero(b.i32(b.lanes()));
    for (int64_t i = 0; i < runColumns; i += b.lanes()) {
      row.push_back(input(t, b.add(column, i)));
      ofRow = largerMagnitude(b, ofRow, row.back());
    }
    rows.push_back(row);
    largest.push_back(ofRow);
  }
  Value ofRun = largestOfEach(b, largest), halvings, shifts;
  Rounding rounding = ofRows ? finerBy(b, *ofRows, ofRun, halvings) : roundingOf(b, ofRun);
  if (ofRows)
    shifts = b.sub(b.constant(PackedInput::mostShift, halvings.getType()), halvings);
  Value scales = ofRows ? shifts : rounding.scales;
  llvm::SmallVector<Values> integers = rounded(b, rows, rounding);
  if (form.parts == 2) {
    Rounding second = ofRemainders(b, rounding);
    llvm::SmallVector<Values> left = rounded(b, remainders(b, rows, integers, rounding), second), both;
    for (auto [row, remainder] : llvm::zip_equal(integers, left))
      both.append({row, remainder});
    integers = both;
    shifts = ofRows ? inTurn(b, shifts, shifts) : shifts;
    scales = ofRows ? shifts : inTurn(b, scales, second.scales);
  }

  int64_t packedTile = tile * form.parts;
  Value there = b.tailMask(b.constant(packedTile), b.lanes());
  b.store(scales, b.offset(destination, form.scaleAt(packedTile, 0)), there);
  for (int64_t i = 0; i < form.corrections(); ++i) {
    Value correction = corrections(b, form, integers, shifts, i);
    if (form.blocks->hasIntegerMinima()) {
      Value low = correction, high = std::exchange(before, correction);
      if (form.blocks->segments() == 2)
        high = corrections(b, form, integers, shifts, 1);
      correction = b.bitOr(b.bitAnd(low, b.constant(0xffff, low.getType())), b.shiftLeft(high, 16));
    }
    b.store(correction, b.offset(destination, form.correctionAt(packedTile, i, 0)), there);
  }
  Values rowWords;
  for (const Values &row : integers)
    rowWords.push_back(words(b, form, row));
  int64_t at = 0;
  for (Value mixed : interleave(b, rowWords)) {
    b.store(mixed, b.offset(destination, at));
    at += mlir::cast<mlir::VectorType>(mixed.getType()).getNumElements() * 4;
  }
  return before;
}

void storeRowScales(KernelBuilder &b, const PackedInput &form, int64_t tile, const Rounding &ofRows, Value packed) {
  Value scales = ofRows.scales;
  if (form.parts == 2)
    scales = inTurn(b, scales, ofRemainders(b, ofRows).scales);
  scales = b.mulf(scales, b.real(1.0 / (int64_t(1) << PackedInput::mostShift), b.lanes()));
  int64_t packedTile = tile * form.parts;
  b.store(scales, b.offset(packed, form.rowScaleAt(packedTile, 0)), b.tailMask(b.constant(packedTile), b.lanes()));
}

} // namespace quipu::cpu
