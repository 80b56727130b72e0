#include "compiler/Codegen/Cpu/Kernels/Matmul/BlockMicrokernel.h"

#include "runtime/Support/Rounding.h"

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
  auto emitIndex = [&](Value index, Values held, bool takesMinima) {
    Value inputsAt = b.offset(inputs, index, tile * input.runBytes());
    b.loopOrOnce(panelRows, vectors * lanes, [&](Value column) {
      llvm::SmallVector<BlockReader::Scales> scales = passes() == 1 ? shared : scalesAt(column);
      emitRun({reader.run(unit, index), inputsAt, column, b.offset(sums, column, 4), scales,
               b.offset(unit, prefetch.bytes), takesMinima ? unit : Value(), inputs},
              held);
    });
    return held;
  };
  if (layout.runs() == 1)
    return emitIndex(b.constant(0), held, false);
  int64_t alike = layout.runs() - (takesMinimaByUnit() ? 1 : 0);
  Values result = b.loop(b.constant(0), b.constant(alike), 1, held,
                         [&](Value index, auto carried) { return emitIndex(index, Values(carried), false); });
  return takesMinimaByUnit() ? emitIndex(b.constant(alike), result, true) : result;
}

// What the weight's bias takes from a row's sums. A minimum is taken from the scaled sum.
Value BlockMicrokernel::startOfRow(const Run &run, int64_t segment, int64_t t) const {
  if (layout.hasMinimum())
    return b.zero(b.i32(b.lanes()));
  return inputWord(run.inputs, input.correctionAt(tile, segment, t));
}

Value BlockMicrokernel::inputWord(Value inputs, int64_t at) const {
  return b.broadcast(b.load(b.offset(inputs, at), b.i32()), b.lanes());
}

void BlockMicrokernel::emitRun(const Run &run, Values &held) const {
  llvm::SmallVector<Values> ofSegments;
  for (int64_t segment = 0; segment < layout.segments(); ++segment) {
    ofSegments.push_back(dotSegment(run, segment));
    if (!joinsSegments())
      addToSums(run, segment, ofSegments[size_t(segment)], held);
  }
  if (joinsSegments())
    addSegmentsToSums(run, ofSegments, held);
}

Values BlockMicrokernel::dotSegment(const Run &run, int64_t segment) const {
  Values acc(vectors * tile);
  for (int64_t t = 0; t < tile; ++t) {
    Value start = sumsPairs() ? b.zero(b.i16(2 * b.lanes())) : startOfRow(run, segment, t);
    for (int64_t v = 0; v < vectors; ++v)
      acc[v * tile + t] = start;
  }
  int64_t done = segment * layout.segmentQuads();
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
  return acc;
}

// An eighth of this pass's part of the unit. Passes and runs ask for one part each.
void BlockMicrokernel::prefetchShare(const Run &run, int64_t quad) const {
  int64_t parts = layout.runs() * passes();
  int64_t lines = divideUp(layout.unitBytes() / 64, parts);
  Value part = b.offset(run.soonNeeded, run.weights.index, passes() * lines * 64);
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
    row.push_back(reader.quad(run.weights, segment, quad, b.add(run.column, v * lanes)));
  auto word = [&](int64_t t, int64_t part) { return inputWord(run.inputs, input.wordAt(tile, quadInRun, part, t)); };
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

void BlockMicrokernel::updateSum(Value sums, Values &held, int64_t t, int64_t v,
                                 llvm::function_ref<Value(Value sum)> update) const {
  if (holdsSums) {
    Value &sum = held[size_t(t * vectors + v)];
    sum = update(sum);
    return;
  }
  Value at = b.offset(sums, (t * panelRows + v * b.lanes()) * 4);
  b.store(update(b.load(at, b.f32(b.lanes()))), at);
}

void BlockMicrokernel::addToSums(const Run &run, int64_t segment, llvm::ArrayRef<Value> acc, Values &held) const {
  int64_t lanes = b.lanes();
  for (int64_t v = 0; v < vectors; ++v) {
    Value column = b.add(run.column, v * lanes), minimum, factor;
    BlockReader::Scales scales = reader.segmentScales(run.scales[v], run.weights, segment, column);
    if (layout.hasIntegerMinima()) {
      minimum = reader.minimaOfRun(run.scales[v], run.weights, column);
      factor = factorOfMinima(run.scales[v]);
    } else if (layout.hasMinimum()) {
      minimum = b.negf(scales.minimum);
    }
    // Integer minima of all segments at once.
    bool isLast = segment == layout.segments() - 1;
    Values ofUnit = run.unit && isLast ? minimaOfUnit(run, v) : Values();
    for (int64_t t = 0; t < tile; ++t) {
      Value scale = inputWord(run.inputs, input.scaleAt(tile, t)), products = acc[v * tile + t];
      auto lessMinimum = [&](Value sum) {
        if (!ofUnit.empty())
          return b.fma(b.intToFloat(ofUnit[size_t(t)]), factor, sum);
        if (!layout.hasMinimum() || takesMinimaByUnit() || (layout.hasIntegerMinima() && !isLast))
          return sum;
        if (layout.hasIntegerMinima())
          return b.fma(b.intToFloat(dotMinima(b.zero(b.i32(lanes)), minimum, run.inputs, t)), factor, sum);
        Value ofInput = b.bitcast(inputWord(run.inputs, input.correctionAt(tile, segment, t)), b.f32(lanes));
        return b.fma(minimum, ofInput, sum);
      };
      updateSum(run.sums, held, t, v, [&](Value sum) {
        if (input.hasShifts)
          return b.fma(b.intToFloat(b.shiftLeftEach(products, scale)), scales.scale, lessMinimum(sum));
        Value scaled = lessMinimum(b.mulf(b.intToFloat(products), scales.scale));
        return b.fma(scaled, b.bitcast(scale, b.f32(lanes)), sum);
      });
    }
  }
}

void BlockMicrokernel::addSegmentsToSums(const Run &run, llvm::ArrayRef<Values> ofSegments, Values &held) const {
  for (int64_t v = 0; v < vectors; ++v) {
    Value column = b.add(run.column, v * b.lanes());
    Values scales;
    for (int64_t segment = 0; segment < layout.segments(); ++segment)
      scales.push_back(reader.segmentScales(run.scales[v], run.weights, segment, column).scale);
    Values ofUnit = run.unit ? minimaOfUnit(run, v) : Values();
    Value factor = run.unit ? factorOfMinima(run.scales[v]) : Value();
    for (int64_t t = 0; t < tile; ++t) {
      Value shift = inputWord(run.inputs, input.scaleAt(tile, t));
      updateSum(run.sums, held, t, v, [&](Value sum) {
        if (run.unit)
          sum = b.fma(b.intToFloat(ofUnit[size_t(t)]), factor, sum);
        for (auto [acc, scale] : llvm::zip_equal(ofSegments, scales))
          sum = b.fma(b.intToFloat(b.shiftLeftEach(acc[size_t(v * tile + t)], shift)), scale, sum);
        return sum;
      });
    }
  }
}

Value BlockMicrokernel::factorOfMinima(const BlockReader::Scales &ofUnit) const {
  return b.mulf(ofUnit.minimum, b.real(-(1 << PackedInput::minimumShift), b.lanes()));
}

Value BlockMicrokernel::dotMinima(Value taken, Value minima, Value inputs, int64_t t) const {
  mlir::Type pairs = b.i16(2 * b.lanes());
  return b.dotPairs(taken, b.bitcast(minima, pairs),
                    b.bitcast(inputWord(inputs, input.correctionAt(tile, 0, t)), pairs));
}

// One multiplication for two runs, or for two segments, and one of f32 for all, with those of the last run: sums are
// read and written once for both. Not for a few rows, which wait for memory: reads that skip through a unit once more
// throw the prefetcher of Zen 4 off the stream, to less than half the bandwidth.
Values BlockMicrokernel::minimaOfUnit(const Run &run, int64_t v) const {
  Value column = b.add(run.column, v * b.lanes());
  Values taken(size_t(tile), b.zero(b.i32(b.lanes())));
  for (int64_t pair = 0; pair < layout.minimumPairs(); ++pair) {
    Value minima = reader.minimumPair(run.scales[size_t(v)], run.unit, pair, column);
    Value inputs = b.offset(run.inputsOfUnit, layout.runOfPair(pair) * tile * input.runBytes());
    for (int64_t t = 0; t < tile; ++t)
      taken[size_t(t)] = dotMinima(taken[size_t(t)], minima, inputs, t);
    b.memoryBarrier();
  }
  return taken;
}

} // namespace quipu::cpu
