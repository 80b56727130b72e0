#include "compiler/Codegen/Cpu/Kernels/BlockMicrokernel.h"

namespace quipu::cpu {

// The f32 sums stay in L1: a run adds to them once, after eight dot products each. One row leaves registers for them
// and for what a unit's runs share.
BlockMicrokernel::BlockMicrokernel(KernelBuilder &b, const BlockLayout &layout, const PackedInput &input, int64_t tile,
                                   Prefetch prefetch)
    : Microkernel(b, layout.unitBytes(), layout.runs() * tile * input.runBytes(), prefetch), layout(layout),
      reader(b, layout), input(input), tile(tile), vectors(vectorsOfPass(tile, /*blocks=*/true, b.chip())) {
  holdsSums = passes() == 1 && vectors * tile * 8 <= b.chip().vectorRegisters;
}

void BlockMicrokernel::emitBody(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate) const {
  mlir::Type vector = b.f32(b.lanes());
  Values held;
  for (int64_t at = 0; at < tile * panelRows; at += b.lanes())
    if (holdsSums)
      held.push_back(accumulate ? b.load(b.offset(sums, at * 4), vector) : b.real(0, b.lanes()));
    else if (!accumulate)
      b.store(b.real(0, b.lanes()), b.offset(sums, at * 4));
  held = b.loop(b.constant(0), b.constant(groups), 1, held, [&](Value group, llvm::ArrayRef<Value> carried) {
    return emitUnit(b.offset(weights, group, weightGroupBytes), b.offset(inputs, group, inputGroupBytes), sums,
                    Values(carried));
  });
  for (size_t i = 0; i < held.size(); ++i)
    b.store(held[i], b.offset(sums, int64_t(i) * b.lanes() * 4));
}

Values BlockMicrokernel::emitUnit(Value unit, Value inputs, Value sums, const Values &held) const {
  int64_t lanes = b.lanes();
  auto scalesAt = [&](Value column) {
    llvm::SmallVector<BlockReader::Scales> scales;
    for (int64_t v = 0; v < vectors; ++v)
      scales.push_back(reader.unitScales(unit, b.add(column, v * lanes)));
    return scales;
  };
  llvm::SmallVector<BlockReader::Scales> shared;
  if (passes() == 1)
    shared = scalesAt(b.constant(0));
  auto emitIndex = [&](Value index, Values held) {
    Value inputsAt = b.offset(inputs, index, tile * input.runBytes());
    b.loopOrOnce(panelRows, vectors * lanes, [&](Value column) {
      llvm::SmallVector<BlockReader::Scales> scales = passes() == 1 ? shared : scalesAt(column);
      emitRun({index, reader.run(unit, index), inputsAt, column, b.offset(sums, column, 4), scales,
               b.offset(unit, prefetch.bytes)},
              held);
    });
    return held;
  };
  if (layout.runs() == 1)
    return emitIndex(b.constant(0), held);
  return b.loop(b.constant(0), b.constant(layout.runs()), 1, held,
                [&](Value index, llvm::ArrayRef<Value> carried) { return emitIndex(index, Values(carried)); });
}

// What the weight's bias takes from a row's sums. A minimum is taken from the scaled sum.
Value BlockMicrokernel::startOfRow(const Run &run, int64_t segment, int64_t t) const {
  if (layout.hasMinimum)
    return b.zero(b.i32(b.lanes()));
  return b.broadcast(b.load(b.offset(run.inputs, input.correctionAt(tile, segment, t)), b.i32()), b.lanes());
}

void BlockMicrokernel::emitRun(const Run &run, Values &held) const {
  int64_t done = 0;
  for (int64_t segment = 0; segment < layout.segments(); ++segment) {
    Values acc(vectors * tile);
    for (int64_t t = 0; t < tile; ++t) {
      Value start = sumsPairs() ? b.zero(b.i16(2 * b.lanes())) : startOfRow(run, segment, t);
      for (int64_t v = 0; v < vectors; ++v)
        acc[v * tile + t] = start;
    }
    for (int64_t quad : reader.quadOrder()) {
      prefetchShare(run, done++);
      step(run, segment, quad, acc);
      // The loads of the next quads would take the accumulators' registers, and prefetches come in bursts.
      b.memoryBarrier();
      // Sums of plain additions would be put off as well, and the inputs of several quads kept in memory for them.
      if (!b.chip().hasVnni)
        for (Value &sum : acc)
          sum = b.settled(sum);
    }
    if (sumsPairs())
      for (int64_t t = 0; t < tile; ++t) {
        Value start = startOfRow(run, segment, t);
        for (int64_t v = 0; v < vectors; ++v)
          acc[v * tile + t] = b.add(start, b.addPairs(acc[v * tile + t]));
      }
    addToSums(run, segment, acc, held);
  }
}

// An eighth of this pass's part of the unit. Passes and runs ask for one part each.
void BlockMicrokernel::prefetchShare(const Run &run, int64_t quad) const {
  int64_t parts = layout.runs() * passes();
  int64_t lines = (layout.unitBytes() / 64 + parts - 1) / parts;
  Value part = b.offset(run.soonNeeded, run.index, passes() * lines * 64);
  if (passes() > 1)
    part = b.offset(part, run.column, lines * 64 / (vectors * b.lanes()));
  for (int64_t line = lines * quad / quadsInRun; line < lines * (quad + 1) / quadsInRun; ++line)
    prefetchLine(b.offset(part, line * 64));
}

// Without a dot product of bytes its half, which adds the products of neighbours to 16 bits: where weights are so small
// that a segment's sums stay in them, so do the accumulators.
bool BlockMicrokernel::sumsPairs() const {
  return !b.chip().hasVnni && layout.quadsIn16Bits() >= layout.segmentQuads();
}

Value BlockMicrokernel::addProducts(Value acc, Value weights, Value x) const {
  if (b.chip().hasVnni)
    return b.dotBytes(acc, weights, x);
  Value pairs = b.multiplyBytes(weights, x);
  return b.add(acc, sumsPairs() ? pairs : b.addPairs(pairs));
}

void BlockMicrokernel::step(const Run &run, int64_t segment, int64_t quad, llvm::MutableArrayRef<Value> acc) const {
  int64_t lanes = b.lanes(), quadInRun = segment * layout.segmentQuads() + quad;
  Values row;
  for (int64_t v = 0; v < vectors; ++v)
    row.push_back(reader.quad(reader.segment(run.weights, segment), quad, b.add(run.column, v * lanes)));
  auto word = [&](int64_t t, int64_t part) {
    return b.broadcast(b.load(b.offset(run.inputs, input.wordAt(tile, quadInRun, part, t)), b.i32()), lanes);
  };
  if (!input.widened) {
    for (int64_t t = 0; t < tile; ++t) {
      Value x = word(t, 0);
      for (int64_t v = 0; v < vectors; ++v)
        acc[v * tile + t] = addProducts(acc[v * tile + t], row[v], x);
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

void BlockMicrokernel::addToSums(const Run &run, int64_t segment, llvm::ArrayRef<Value> acc, Values &held) const {
  int64_t lanes = b.lanes();
  mlir::Type f32 = b.f32(lanes);
  auto inputFactor = [&](int64_t at) { return b.broadcast(b.load(b.offset(run.inputs, at), b.f32()), lanes); };
  for (int64_t v = 0; v < vectors; ++v) {
    Value column = b.add(run.column, v * lanes), minimum;
    BlockReader::Scales scales =
        reader.segmentScales(run.scales[v], run.index, reader.segment(run.weights, segment), column);
    if (layout.hasMinimum)
      minimum = b.negf(scales.minimum);
    for (int64_t t = 0; t < tile; ++t) {
      Value product = b.mulf(b.intToFloat(acc[v * tile + t]), scales.scale);
      if (layout.hasMinimum)
        product = b.fma(minimum, inputFactor(input.correctionAt(tile, segment, t)), product);
      Value scale = inputFactor(input.scaleAt(tile, t));
      if (holdsSums) {
        held[t * vectors + v] = b.fma(product, scale, held[t * vectors + v]);
        continue;
      }
      Value at = b.offset(run.sums, (t * panelRows + v * lanes) * 4);
      b.store(b.fma(product, scale, b.load(at, f32)), at);
    }
  }
}

} // namespace quipu::cpu
