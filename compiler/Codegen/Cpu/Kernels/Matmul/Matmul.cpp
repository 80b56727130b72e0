// matmul: out = epilogue(norm(x) W^T + bias), W in panel64 form. Workers share out the panels.
//
// Two shapes of the loop nest. For a few rows (decode) every worker packs the input for itself and streams its panels
// from memory once for two tiles. For many rows (prompt) the input lies packed, and one panel at a time stays in L2
// while all row tiles pass over it; a panel too large for that is cut along k, and the sums of a chunk of row tiles
// wait in scratch.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/Kernels/Matmul/InputPacking.h"
#include "compiler/Codegen/Cpu/Kernels/Matmul/Microkernel.h"
#include "compiler/Codegen/Cpu/Kernels/Matmul/TileSums.h"
#include "compiler/Codegen/Cpu/VectorMath.h"
#include "runtime/Support/Rounding.h"

namespace quipu::cpu {
namespace {

struct Operands {
  Value x, gain, weight, bias, residual, packed, out, shift;
  explicit Operands(KernelBuilder &b)
      : x(b.buffer("x")), gain(b.buffer("gain")), weight(b.buffer("weight")), bias(b.buffer("bias")),
        residual(b.buffer("residual")), packed(b.buffer("packed")), out(b.buffer("out")), shift(b.buffer("shift")) {}
};

class Matmul {
public:
  Matmul(ParamReader &params, KernelBuilder &b)
      : b(b), weight(params.integer("n"), params.integer("k"), params.format("storage"), params.flag("gated")),
        packing{PackedInput(weight.k, weight.format, b.chip(), params.integer("parts")), params.integer("tile")},
        schedule(weight, packing.packedTile(), params.flag("packed_input"), b.chip()), bias(params.flag("bias")),
        residual(params.flag("residual")), packedInput(params.flag("packed_input")),
        rowsDim(params.integer("rows_dim")) {
    auto parsed = parseActivation(params.text("activation"));
    params.require(parsed.has_value(), parsed ? "" : parsed.error().message);
    activation = parsed.value_or(Activation::None);
    packing.readNorm(params);
    packing.checkTile(params);
    if (params.has("scale"))
      scale = params.real("scale");
    if (params.has("softcap"))
      cap = params.real("softcap");
    params.require(!cap || *cap > 0, "expected softcap above 0");
    readSchedule(params);
    params.require(weight.format.takesRow(uint64_t(weight.k)), "expected k to be whole blocks of the storage format");
    params.require(!packedInput || !packing.norm, "expected the norm in pack_input, not in the packed matmul");
  }

  void emit() {
    if (packedInput)
      emitManyRows();
    else
      emitFewRows();
  }

private:
  void readSchedule(ParamReader &params);
  void emitFewRows();
  void emitManyRows();
  // Bias, activation, gating and residual of a tile's sums, and the stores of the rows and columns that are there.
  void epilogue(const Operands &operands, Value sums, Value packed, Value panel, Value firstRow, Value rows);
  Value finished(const Operands &operands, const TileSums &sums, const TileSums::Row &ofRow, Value row, Value column,
                 Value columnInPanel, Value mask);
  int64_t sumsRowBytes() const { return TileSums::rowBytes(packing.form); }
  Value biased(const Operands &operands, Value sum, Value column, Value mask);

  KernelBuilder &b;
  PanelLayout weight;
  InputPacking packing;
  MatmulSchedule schedule;
  Activation activation = Activation::None;
  std::optional<double> scale, cap; // of the epilogue
  bool bias, residual, packedInput;
  int64_t rowsDim;
};

// What --tune found better than the cost model's choice.
void Matmul::readSchedule(ParamReader &params) {
  Prefetch &prefetch = schedule.prefetch;
  prefetch.bytes = params.integerOr("prefetch_bytes", prefetch.bytes);
  prefetch.level = int(params.integerOr("prefetch_level", prefetch.level));
  if (packedInput)
    schedule.kBlocks = params.integerOr("k_blocks", schedule.kBlocks);
  params.require(schedule.kBlocks >= 1 && schedule.kBlocks <= std::max<int64_t>(1, weight.groups()),
                 "expected k_blocks of at least 1, and no more than there are groups of k");
}

Value Matmul::biased(const Operands &operands, Value sum, Value column, Value mask) {
  if (!bias)
    return sum;
  return b.addf(sum, b.loadOr0(b.offset(operands.bias, column, 4), b.f32(b.lanes()), mask));
}

Value Matmul::finished(const Operands &operands, const TileSums &sums, const TileSums::Row &ofRow, Value row,
                       Value column, Value columnInPanel, Value mask) {
  mlir::Type vector = b.f32(b.lanes());
  Value y = activate(b, activation, biased(operands, sums.load(ofRow, columnInPanel), column, mask));
  if (weight.gated) {
    Value up = sums.load(ofRow, b.add(columnInPanel, weight.outputsPerPanel()));
    y = b.mulf(y, biased(operands, up, b.add(column, weight.n), mask));
  }
  if (scale)
    y = b.mulf(y, b.real(*scale, b.lanes()));
  if (cap)
    y = softcap(b, y, *cap);
  if (residual)
    y = b.addf(y, b.loadOr0(b.offset(b.offset(operands.residual, row, weight.n * 4), column, 4), vector, mask));
  return y;
}

void Matmul::epilogue(const Operands &operands, Value sums, Value packed, Value panel, Value firstRow, Value rows) {
  Value firstColumn = b.mul(panel, weight.outputsPerPanel());
  Value present = b.smaller(b.sub(rows, firstRow), b.constant(packing.tile));
  TileSums tileSums(b, packing.form, packing.tile, sums, packed);
  b.loop(b.constant(0), present, 1, [&](Value t) {
    Value row = b.add(firstRow, t);
    TileSums::Row ofRow = tileSums.row(t);
    b.loop(b.constant(0), b.constant(weight.outputsPerPanel()), b.lanes(), [&](Value columnInPanel) {
      Value column = b.add(firstColumn, columnInPanel);
      Value mask = b.tailMask(b.sub(b.constant(weight.n), column), b.lanes());
      Value y = finished(operands, tileSums, ofRow, row, column, columnInPanel, mask);
      b.store(y, b.offset(b.offset(operands.out, row, weight.n * 4), column, 4), mask);
    });
  });
}

void Matmul::emitFewRows() {
  Operands operands(b);
  // The second tile finds the panel in L2.
  constexpr int64_t tilesAtOnce = 2;
  int64_t tile = packing.tile, packedTile = packing.packedTile();
  Value packed = b.scratch(tilesAtOnce * packing.tileBytes()), statistics = b.scratch(packing.statisticsBytes());
  Value sums = b.scratch(tile * sumsRowBytes());
  Value rows = b.rows(rowsDim), tiles = b.divUp(rows, tile);
  auto kernel = Microkernel::create(b, weight, packing.form, packedTile, schedule.prefetch);
  Value items = b.mul(b.divUp(tiles, tilesAtOnce), weight.panels()), none = b.constant(-1);
  b.shareItems(items, {none}, [&](Value item, llvm::ArrayRef<Value> inScratch) -> Values {
    Value turn = b.div(item, weight.panels()), panel = b.rem(item, weight.panels());
    Value first = b.mul(turn, tilesAtOnce), last = b.smaller(b.add(first, tilesAtOnce), tiles);
    auto packedAt = [&](Value t) { return b.offset(packed, b.sub(t, first), packing.tileBytes()); };
    b.when(b.notEqual(turn, inScratch[0]), [&] {
      b.loop(first, last, 1, [&](Value t) {
        packing.emit(b, {operands.x, operands.gain, operands.shift}, b.mul(t, tile), rows, packedAt(t), statistics);
      });
    });
    b.loop(first, last, 1, [&](Value t) {
      kernel->emit(b.offset(operands.weight, panel, weight.panelBytes()), packedAt(t), weight.groups(), sums, false);
      epilogue(operands, sums, packedAt(t), panel, b.mul(t, tile), rows);
    });
    return {turn};
  });
}

void Matmul::emitManyRows() {
  Operands operands(b);
  int64_t tile = packing.tile, sumsBytes = tile * sumsRowBytes();
  // A block of weights stays in L2, and so do sums where there are several blocks.
  int64_t blockGroups = divideUp(weight.groups(), schedule.kBlocks);
  int64_t blocks = divideUp(weight.groups(), blockGroups);
  int64_t mostTiles = blocks == 1 ? int64_t(1) << 40 : b.chip().l2Bytes / 6 / sumsBytes;
  Value sums = b.scratch(blocks == 1 ? sumsBytes : mostTiles * sumsBytes);

  Value rows = b.rows(rowsDim);
  Value tiles = b.divUp(rows, tile);
  // Row chunks: as many as the sums in scratch ask for, and so many that a worker has about 4 items to even out, or 32
  // where that leaves a chunk 8 tiles for each time it reads the panel.
  Value panels = b.constant(weight.panels());
  auto chunksFor = [&](int64_t itemsOfWorker) {
    return b.div(b.add(b.mul(b.workers(), itemsOfWorker), weight.panels() - 1), weight.panels());
  };
  Value forBalance = b.larger(chunksFor(4), b.smaller(chunksFor(32), b.div(tiles, 8)));
  Value chunks = b.smaller(b.larger(b.divUp(tiles, mostTiles), forBalance), b.larger(tiles, b.constant(1)));
  auto kernel = Microkernel::create(b, weight, packing.form, packing.packedTile(), schedule.prefetch);

  b.shareItems(b.mul(panels, chunks), {}, [&](Value item, llvm::ArrayRef<Value>) -> Values {
    Value panel = b.div(item, chunks), chunk = b.sub(item, b.mul(panel, chunks));
    Value firstTile = b.div(b.mul(tiles, chunk), chunks), lastTile = b.div(b.mul(tiles, b.add(chunk, 1)), chunks);
    Value panelAddress = b.offset(operands.weight, panel, weight.panelBytes());
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t firstGroup = block * blockGroups, groups = std::min(blockGroups, weight.groups() - firstGroup);
      b.loop(firstTile, lastTile, 1, [&](Value t) {
        Value sumsAt = blocks == 1 ? sums : b.offset(sums, b.sub(t, firstTile), sumsBytes);
        Value packed = b.offset(operands.packed, t, packing.tileBytes());
        kernel->emit(b.offset(panelAddress, firstGroup * kernel->weightGroupBytes),
                     b.offset(packed, firstGroup * kernel->inputGroupBytes), groups, sumsAt, /*accumulate=*/block > 0);
        if (block == blocks - 1)
          epilogue(operands, sumsAt, packed, panel, b.mul(t, tile), rows);
      });
    }
    return {};
  });
}

} // namespace

Expected<> generateMatmul(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  Matmul matmul(params, b);
  if (auto read = params.finish(); !read)
    return read;
  matmul.emit();
  return {};
}

} // namespace quipu::cpu
