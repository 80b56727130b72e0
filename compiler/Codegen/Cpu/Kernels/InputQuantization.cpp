#include "compiler/Codegen/Cpu/Kernels/InputQuantization.h"

#include "compiler/Codegen/Cpu/Kernels/InputPacking.h"

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

// Rows of a run as int32 in -127 .. 127, lanes() columns at a time.
struct QuantizedRows {
  llvm::SmallVector<Values> rows;
  Value scales; // f32, lane r
};

QuantizedRows quantizeRows(KernelBuilder &b, const llvm::SmallVector<Values> &rows) {
  int64_t lanes = b.lanes();
  // Magnitudes are compared as integers: in that order NaN is the largest, and is not lost.
  auto larger = [&](Value a, Value c) { return b.larger(a, c); };
  Values largest;
  for (const Values &row : rows) {
    Value ofRow;
    for (Value v : row) {
      Value magnitude = b.bitAnd(b.bitcast(v, b.i32(lanes)), b.constant(0x7fffffff, b.i32(lanes)));
      ofRow = ofRow ? larger(ofRow, magnitude) : magnitude;
    }
    largest.push_back(ofRow);
  }
  Value most = b.bitcast(joinEach(b, largest, larger), b.f32(lanes)), all = b.real(127, lanes);
  // What is too small for 127 / most to be a number counts as zero.
  Value factors = b.select(b.lessf(b.real(1e-36, lanes), most), b.divf(all, most), b.real(0, lanes));
  QuantizedRows result{{}, b.divf(most, all)};
  for (size_t r = 0; r < rows.size(); ++r) {
    Value factor = b.shuffle(factors, factors, everyLane(b, r));
    Values quantized;
    for (Value v : rows[r])
      quantized.push_back(b.floatToInt(b.mulf(v, factor)));
    result.rows.push_back(quantized);
  }
  return result;
}

// What the rounding of `rows` left.
llvm::SmallVector<Values> remainders(KernelBuilder &b, const llvm::SmallVector<Values> &rows,
                                     const QuantizedRows &rounded) {
  llvm::SmallVector<Values> result;
  for (size_t r = 0; r < rows.size(); ++r) {
    Value scale = b.negf(b.shuffle(rounded.scales, rounded.scales, everyLane(b, r)));
    Values left;
    for (auto [value, integer] : llvm::zip_equal(rows[r], rounded.rows[r]))
      left.push_back(b.fma(b.intToFloat(integer), scale, value));
    result.push_back(left);
  }
  return result;
}

// Each row followed by its remainder.
QuantizedRows withRemainders(KernelBuilder &b, const llvm::SmallVector<Values> &rows) {
  QuantizedRows first = quantizeRows(b, rows), second = quantizeRows(b, remainders(b, rows, first));
  llvm::SmallVector<int64_t> inTurn;
  for (int64_t lane = 0; lane < b.lanes(); ++lane)
    inTurn.push_back(lane / 2 + lane % 2 * b.lanes());
  QuantizedRows result{{}, b.shuffle(first.scales, second.scales, inTurn)};
  for (size_t r = 0; r < rows.size(); ++r)
    result.rows.append({first.rows[r], second.rows[r]});
  return result;
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

// What the bias or the minimum needs of each row, lane by lane.
Value corrections(KernelBuilder &b, const PackedInput &form, const QuantizedRows &quantized, int64_t segment) {
  int64_t count = form.blocks->segmentColumns / b.lanes();
  Values sums;
  for (const Values &row : quantized.rows) {
    Value sum = row[size_t(segment * count)];
    for (int64_t i = 1; i < count; ++i)
      sum = b.add(sum, row[size_t(segment * count + i)]);
    sums.push_back(sum);
  }
  Value ofRows = joinEach(b, sums, [&](Value a, Value c) { return b.add(a, c); });
  return form.blocks->hasMinimum ? b.intToFloat(ofRows) : b.mul(ofRows, -form.blocks->bias);
}

} // namespace

void quantizeRun(KernelBuilder &b, const PackedInput &form, int64_t tile, InputVector input, Value destination) {
  Values rowWords;
  // As many rows at a time as registers hold.
  int64_t packedTile = tile * form.parts, most = 8 / form.parts;
  for (int64_t first = 0; first < tile; first += most) {
    llvm::SmallVector<Values> rows;
    for (int64_t t = first; t < std::min(first + most, tile); ++t) {
      Values row;
      for (int64_t i = 0; i < runColumns / b.lanes(); ++i)
        row.push_back(input(t, i));
      rows.push_back(row);
    }
    QuantizedRows quantized = form.parts == 2 ? withRemainders(b, rows) : quantizeRows(b, rows);
    int64_t firstPart = first * form.parts;
    Value there = b.tailMask(b.constant(int64_t(quantized.rows.size())), b.lanes());
    b.store(quantized.scales, b.offset(destination, form.scaleAt(packedTile, firstPart)), there);
    for (int64_t segment = 0; segment < form.blocks->segments(); ++segment)
      b.store(corrections(b, form, quantized, segment),
              b.offset(destination, form.correctionAt(packedTile, segment, firstPart)), there);
    for (const Values &row : quantized.rows)
      rowWords.push_back(words(b, form, row));
  }
  int64_t at = 0;
  for (Value mixed : interleave(b, rowWords)) {
    b.store(mixed, b.offset(destination, at));
    at += mlir::cast<mlir::VectorType>(mixed.getType()).getNumElements() * 4;
  }
}

} // namespace quipu::cpu
