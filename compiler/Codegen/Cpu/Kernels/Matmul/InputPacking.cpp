#include "compiler/Codegen/Cpu/Kernels/Matmul/InputPacking.h"
#include "compiler/Codegen/Cpu/Kernels/Matmul/InputQuantization.h"

namespace quipu::cpu {

Values interleave(KernelBuilder &b, const Values &rows) {
  int64_t words = mlir::cast<mlir::VectorType>(rows[0].getType()).getNumElements(), tile = int64_t(rows.size());
  // Short rows fill a register in pairs.
  int64_t rowsOfSource = 2 * words <= b.lanes() && tile > 1 ? 2 : 1, width = words * rowsOfSource;
  Values sources;
  for (int64_t row = 0; row < tile; row += rowsOfSource)
    sources.push_back(rowsOfSource == 1 ? rows[row] : b.concatenate(rows[row], rows[std::min(row + 1, tile - 1)]));
  Values result;
  for (int64_t first = 0; first < tile * words; first += width) {
    // One merge for each source: the words of its rows r take the places e with e % tile == r.
    Value merged = sources[0];
    int64_t count = std::min(width, tile * words - first);
    for (int64_t source = 0; source < int64_t(sources.size()); ++source) {
      llvm::SmallVector<int64_t> mask;
      for (int64_t lane = 0; lane < width; ++lane) {
        int64_t element = first + lane, row = element % tile, inSource = row % rowsOfSource * words + element / tile;
        bool taken = lane < count && row / rowsOfSource == source;
        mask.push_back(taken ? (source == 0 ? 0 : width) + inSource : lane);
      }
      merged = b.shuffle(merged, sources[source], mask);
    }
    llvm::SmallVector<int64_t> there;
    for (int64_t lane = 0; lane < count; ++lane)
      there.push_back(lane);
    result.push_back(count == width ? merged : b.shuffle(merged, merged, there));
  }
  return result;
}

void InputPacking::checkTile(ParamReader &params) const {
  params.require(packedTile() <= 8, "expected a tile of at most 8 rows, parts counted");
  params.require(form.parts == 1 || (form.parts == 2 && form.blocks),
                 "expected one part, or two for weights in blocks");
}

void InputPacking::readNorm(ParamReader &params) {
  norm = Norm::read(params);
  normShift = params.flag("shift");
}

Value InputPacking::afterNorm(KernelBuilder &b, const Row &row, const Operands &operands, Value x, Value column,
                              Value mask) const {
  if (!norm)
    return x;
  return normalised(b, row.norm, x, operands.gain, normShift ? operands.shift : Value(), column, mask);
}

// lanes() elements of one row from `column` on.
Value InputPacking::loadColumns(KernelBuilder &b, const Row &row, const Operands &operands, Value column) const {
  Value mask = b.tailMask(b.sub(row.count, column), b.lanes());
  return afterNorm(b, row, operands, b.loadOr0(b.offset(row.address, column, 4), b.f32(b.lanes()), mask), column, mask);
}

// The same where rows are whole blocks, for a row that is there.
Value InputPacking::loadWholeColumns(KernelBuilder &b, const Row &row, const Operands &operands, Value column) const {
  Value x = b.load(b.offset(row.address, column, 4), b.f32(b.lanes()));
  return afterNorm(b, row, operands, x, column, /*mask=*/Value());
}

// 32-bit words of one row from `column` on: lanes() f32, or as many bf16 pairs.
Value InputPacking::loadWords(KernelBuilder &b, const Row &row, const Operands &operands, Value column) const {
  int64_t lanes = b.lanes();
  if (!form.bf16)
    return b.bitcast(loadColumns(b, row, operands, column), b.i32(lanes));
  Value low = b.roundToBf16(loadColumns(b, row, operands, column));
  Value high = b.roundToBf16(loadColumns(b, row, operands, b.add(column, lanes)));
  return b.bitcast(b.concatenate(low, high), b.i32(lanes));
}

void InputPacking::emit(KernelBuilder &b, const Operands &operands, Value firstRow, Value rows, Value packed,
                        Value statistics) const {
  int64_t lanes = b.lanes();
  Value k = b.constant(form.k), none = b.constant(0), lastRow = b.add(rows, -1);
  auto rowAt = [&](Value row) {
    return operands.rowAddress ? operands.rowAddress(row) : b.offset(operands.x, row, form.k * 4);
  };
  auto countAt = [&](Value row) { return b.select(b.less(row, rows), k, none); };
  if (norm)
    b.loop(b.constant(0), b.constant(tile), 1, [&](Value t) {
      Value row = b.add(firstRow, t), at = b.offset(statistics, t, 4);
      RowNorm ofRow = rowNorm(b, *norm, rowAt(row), form.k, countAt(row));
      b.store(ofRow.scale, at);
      if (ofRow.shift)
        b.store(ofRow.shift, b.offset(at, tile * 4));
    });

  llvm::SmallVector<Row> tileRows;
  for (int64_t t = 0; t < tile; ++t) {
    Value row = b.add(firstRow, t);
    if (form.blocks)
      row = b.smaller(row, lastRow);
    tileRows.push_back({rowAt(row), countAt(row), {}});
    auto statistic = [&](int64_t index) { return b.load(b.offset(statistics, (index * tile + t) * 4), b.f32()); };
    if (norm)
      tileRows[t].norm = broadcast(b, {statistic(0), norm->centred ? statistic(1) : Value()});
  }
  if (form.blocks) {
    auto columns = [&](int64_t t, Value column) { return loadWholeColumns(b, tileRows[size_t(t)], operands, column); };
    std::optional<Rounding> ofRows;
    if (form.hasShifts) {
      ofRows = roundingOfRows(b, tile, k, columns);
      storeRowScales(b, form, tile, *ofRows, packed);
    }
    Value noneBefore = b.zero(b.i32(lanes));
    auto quantize = [&](Value run, llvm::ArrayRef<Value> before) -> Values {
      Value destination = b.offset(packed, run, tile * form.parts * form.runBytes());
      return {quantizeRun(b, form, tile, columns, b.mul(run, runColumns), ofRows, before[0], destination)};
    };
    b.loop(b.constant(0), b.constant(form.columns() / runColumns), 1, {noneBefore}, quantize);
    return;
  }
  // A step fills `lanes` words of each row.
  int64_t columnsPerWord = form.bf16 ? 2 : 1;
  b.loop(b.constant(0), b.constant(form.columns()), lanes * columnsPerWord, [&](Value column) {
    Values words;
    for (const Row &row : tileRows)
      words.push_back(loadWords(b, row, operands, column));
    Value destination = b.offset(packed, column, tile * 4 / columnsPerWord);
    Values mixed = interleave(b, words);
    for (size_t part = 0; part < mixed.size(); ++part)
      b.store(mixed[part], b.offset(destination, int64_t(part) * lanes * 4));
  });
}

} // namespace quipu::cpu
