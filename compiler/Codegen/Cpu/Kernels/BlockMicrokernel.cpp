#include "compiler/Codegen/Cpu/Kernels/BlockMicrokernel.h"

namespace quipu::cpu {

// Register budget as for f32 and bf16: the tile's sums of a run, a row of weights and a broadcast. The f32 sums stay in
// L1: a run adds to them once, after eight dot products each.
BlockMicrokernel::BlockMicrokernel(KernelBuilder &b, const BlockLayout &layout, const PackedInput &input, int64_t tile,
                                   int64_t prefetchBytes)
    : Microkernel(b, layout.unitBytes(), layout.runs() * tile * input.runBytes(),
                  BlockReader(b, layout).preparedBytes()),
      layout(layout), reader(b, layout), input(input), tile(tile), vectors(panelRows / b.lanes()),
      prefetchBytes(prefetchBytes) {
  while (vectors * tile > b.chip().vectorRegisters * 3 / 4)
    vectors /= 2;
}

void BlockMicrokernel::emitBody(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate,
                                Value scratch) const {
  int64_t width = vectors * b.lanes(), runInputs = tile * input.runBytes();
  if (!accumulate)
    for (int64_t at = 0; at < tile * panelRows; at += b.lanes())
      b.store(b.real(0, b.lanes()), b.offset(sums, at * 4));
  b.loop(b.constant(0), b.constant(groups), 1, [&](Value group) {
    Value unit = b.offset(weights, group, layout.unitBytes());
    reader.prepareUnit(unit, scratch);
    auto emitIndex = [&](Value index) {
      Value inputsAt = b.offset(b.offset(inputs, group, layout.runs() * runInputs), index, runInputs);
      b.loopOrOnce(panelRows, width, [&](Value column) {
        emitRun({unit, index, b.offset(b.offset(unit, layout.scaleBytes()), index, layout.runBytes()), inputsAt,
                 b.offset(sums, column, 4), column, b.offset(unit, prefetchBytes)},
                scratch);
      });
    };
    b.loopOrOnce(layout.runs(), 1, emitIndex);
  });
}

void BlockMicrokernel::emitRun(const Run &run, Value prepared) const {
  mlir::Type words = b.i32(b.lanes());
  int64_t done = 0;
  for (int64_t segment = 0; segment < layout.segments(); ++segment) {
    Values acc(vectors * tile);
    for (int64_t t = 0; t < tile; ++t) {
      Value start = b.zero(words);
      if (!layout.hasMinimum)
        start = b.broadcast(b.load(b.offset(run.inputs, input.correctionAt(tile, segment, t)), b.i32()), b.lanes());
      for (int64_t v = 0; v < vectors; ++v)
        acc[v * tile + t] = start;
    }
    for (int64_t quad : reader.quadOrder(segment)) {
      if (prefetchBytes)
        prefetchShare(run, done++);
      step(run, quad, acc);
      b.memoryBarrier(); // the loads of the next quads would take the accumulators' registers
    }
    addToSums(run, segment, acc, prepared);
  }
}

// An eighth of this pass's part of the unit. Passes and runs ask for one part each.
void BlockMicrokernel::prefetchShare(const Run &run, int64_t quad) const {
  int64_t passes = panelRows / (vectors * b.lanes()), parts = layout.runs() * passes;
  int64_t lines = (layout.unitBytes() / 64 + parts - 1) / parts;
  Value part = b.offset(run.soonNeeded, run.index, passes * lines * 64);
  if (passes > 1)
    part = b.offset(part, run.column, lines * 64 / (vectors * b.lanes()));
  for (int64_t line = lines * quad / quadsInRun; line < lines * (quad + 1) / quadsInRun; ++line)
    b.prefetch(b.offset(part, line * 64));
}

void BlockMicrokernel::step(const Run &run, int64_t quad, llvm::MutableArrayRef<Value> acc) const {
  int64_t lanes = b.lanes();
  Values row;
  for (int64_t v = 0; v < vectors; ++v)
    row.push_back(reader.quad(run.weights, quad, b.add(run.column, v * lanes)));
  auto word = [&](int64_t t, int64_t part) {
    return b.broadcast(b.load(b.offset(run.inputs, input.wordAt(tile, quad, part, t)), b.i32()), lanes);
  };
  if (!input.widened) {
    for (int64_t t = 0; t < tile; ++t) {
      Value x = word(t, 0);
      for (int64_t v = 0; v < vectors; ++v)
        acc[v * tile + t] = b.dotBytes(acc[v * tile + t], row[v], x);
    }
    return;
  }
  // Pairs of 16 bits: the even bytes of each word, then the odd ones.
  mlir::Type pairs = b.i16(2 * lanes);
  for (int64_t part = 0; part < 2; ++part) {
    Values half;
    for (Value weights : row) {
      Value wide = b.bitcast(weights, pairs);
      half.push_back(part == 0 ? b.bitAnd(wide, b.constant(0xff, pairs)) : b.shiftRight(wide, 8));
    }
    for (int64_t t = 0; t < tile; ++t) {
      Value x = b.bitcast(word(t, part), pairs);
      for (int64_t v = 0; v < vectors; ++v)
        acc[v * tile + t] = b.add(acc[v * tile + t], b.multiplyPairs(half[v], x));
    }
  }
}

void BlockMicrokernel::addToSums(const Run &run, int64_t segment, llvm::ArrayRef<Value> acc, Value prepared) const {
  int64_t lanes = b.lanes();
  mlir::Type f32 = b.f32(lanes);
  auto inputFactor = [&](int64_t at) { return b.broadcast(b.load(b.offset(run.inputs, at), b.f32()), lanes); };
  for (int64_t v = 0; v < vectors; ++v) {
    Value column = b.add(run.column, v * lanes), minimum;
    Value scale = reader.scale(run.unit, run.index, segment, column, prepared);
    if (layout.hasMinimum)
      minimum = b.negf(reader.minimum(run.unit, run.index, column, prepared));
    for (int64_t t = 0; t < tile; ++t) {
      Value product = b.mulf(b.intToFloat(acc[v * tile + t]), scale);
      if (layout.hasMinimum)
        product = b.fma(minimum, inputFactor(input.correctionAt(tile, segment, t)), product);
      Value at = b.offset(run.sums, (t * panelRows + v * lanes) * 4);
      b.store(b.fma(product, inputFactor(input.scaleAt(tile, t)), b.load(at, f32)), at);
    }
  }
}

} // namespace quipu::cpu
