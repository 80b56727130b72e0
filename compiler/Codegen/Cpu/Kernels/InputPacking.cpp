#include "compiler/Codegen/Cpu/Kernels/InputPacking.h"
#include "compiler/Codegen/Cpu/Kernels/InputQuantization.h"
#include "compiler/Codegen/Cpu/Kernels/RmsNorm.h"

namespace quipu::cpu {

Values interleave(KernelBuilder &b, const Values &rows) {
  int64_t lanes = mlir::cast<mlir::VectorType>(rows[0].getType()).getNumElements(), tile = int64_t(rows.size());
  Values result;
  for (int64_t part = 0; part < tile; ++part) {
    // One merge for each row: row r's words take the places e with e % tile == r.
    Value merged = rows[0];
    for (int64_t row = 0; row < tile; ++row) {
      llvm::SmallVector<int64_t> mask;
      for (int64_t lane = 0; lane < lanes; ++lane) {
        int64_t element = part * lanes + lane;
        mask.push_back(element % tile == row ? (row == 0 ? 0 : lanes) + element / tile : lane);
      }
      merged = b.shuffle(merged, rows[row], mask);
    }
    result.push_back(merged);
  }
  return result;
}

void InputPacking::checkTile(ParamReader &params) const {
  params.require(packedTile() <= 8, "expected a tile of at most 8 rows, parts counted");
  params.require(form.parts == 1 || (form.parts == 2 && form.blocks),
                 "expected one part, or two for weights in blocks");
}

// lanes() elements of one row from `column` on.
Value InputPacking::loadColumns(KernelBuilder &b, const Row &row, Value gain, Value column) const {
  int64_t lanes = b.lanes();
  Value mask = b.tailMask(b.sub(row.count, column), lanes);
  Value v = b.loadOr0(b.offset(row.address, column, 4), b.f32(lanes), mask);
  if (normEps)
    v = b.mulf(b.mulf(v, row.scale), b.loadOr0(b.offset(gain, column, 4), b.f32(lanes), mask));
  return v;
}

// 32-bit words of one row from `column` on: lanes() f32, or as many bf16 pairs.
Value InputPacking::loadWords(KernelBuilder &b, const Row &row, Value gain, Value column) const {
  int64_t lanes = b.lanes();
  if (!form.bf16)
    return b.bitcast(loadColumns(b, row, gain, column), b.i32(lanes));
  Value low = b.roundToBf16(loadColumns(b, row, gain, column));
  Value high = b.roundToBf16(loadColumns(b, row, gain, b.add(column, lanes)));
  llvm::SmallVector<int64_t> inOrder;
  for (int64_t lane = 0; lane < 2 * lanes; ++lane)
    inOrder.push_back(lane);
  return b.bitcast(b.shuffle(low, high, inOrder), b.i32(lanes));
}

void InputPacking::emit(KernelBuilder &b, Value x, Value gain, Value firstRow, Value rows, Value packed,
                        Value scales) const {
  int64_t lanes = b.lanes();
  Value k = b.constant(form.k), none = b.constant(0);
  auto rowAt = [&](Value row) { return b.offset(x, row, form.k * 4); };
  auto countAt = [&](Value row) { return b.select(b.less(row, rows), k, none); };
  if (normEps)
    b.loop(b.constant(0), b.constant(tile), 1, [&](Value t) {
      Value row = b.add(firstRow, t);
      b.store(rmsNormScale(b, rowAt(row), form.k, countAt(row), *normEps), b.offset(scales, t, 4));
    });

  llvm::SmallVector<Row> tileRows;
  for (int64_t t = 0; t < tile; ++t) {
    Value row = b.add(firstRow, t);
    tileRows.push_back({rowAt(row), countAt(row), Value()});
    if (normEps)
      tileRows[t].scale = b.broadcast(b.load(b.offset(scales, t * 4), b.f32()), lanes);
  }
  if (form.blocks) {
    b.loop(b.constant(0), b.constant(form.columns() / runColumns), 1, [&](Value run) {
      Value column = b.mul(run, runColumns);
      auto vector = [&](int64_t t, int64_t index) {
        return loadColumns(b, tileRows[t], gain, b.add(column, index * lanes));
      };
      quantizeRun(b, form, tile, vector, b.offset(packed, run, tile * form.parts * form.runBytes()));
    });
    return;
  }
  // A step fills `lanes` words of each row.
  int64_t columnsPerWord = form.bf16 ? 2 : 1;
  b.loop(b.constant(0), b.constant(form.columns()), lanes * columnsPerWord, [&](Value column) {
    Values words;
    for (const Row &row : tileRows)
      words.push_back(loadWords(b, row, gain, column));
    Value destination = b.offset(packed, column, tile * 4 / columnsPerWord);
    Values mixed = interleave(b, words);
    for (size_t part = 0; part < mixed.size(); ++part)
      b.store(mixed[part], b.offset(destination, int64_t(part) * lanes * 4));
  });
}

} // namespace quipu::cpu
