#include "compiler/Codegen/Cpu/Kernels/Matmul/FloatMicrokernel.h"

namespace quipu::cpu {

static bool splits(const PanelLayout &weight, const PackedInput &input) {
  return weight.format.dtype == fb::DType::bf16 && !input.bf16;
}

// Register budget: tile * vectors accumulators, a row of `vectors` weights, a broadcast and a constant. With 32
// registers of 16 lanes a tile of 6 takes the whole panel width: 24 + 4 + 1; with 16 of 8 lanes a quarter of it: 12 + 2
// + 1. One row leaves registers for a second set of accumulators, which hides the latency of the dot product.
FloatMicrokernel::FloatMicrokernel(KernelBuilder &b, const PanelLayout &weight, const PackedInput &input, int64_t tile,
                                   Prefetch prefetch)
    : Microkernel(b, weight.groupBytes(), tile * (splits(weight, input) ? 8 : 4), prefetch), input(input), tile(tile),
      wordBytes(weight.groupBytes() / panelRows), splitsPairs(splits(weight, input)),
      vectors(vectorsOfPass(tile, /*blocks=*/false, b.chip())), unroll(1) {
  int64_t accumulators = b.chip().vectorRegisters * 3 / 4;
  while (unroll < 4 && vectors * tile * unroll * 2 <= accumulators)
    unroll *= 2;
}

Value FloatMicrokernel::dot(Value acc, Value weightWord, Value inputWord) const {
  if (input.bf16) {
    mlir::Type pairs = mlir::VectorType::get({2 * b.lanes()}, b.ops().getBF16Type());
    return b.intrinsic("llvm.x86.avx512bf16.dpbf16ps.512", b.f32(b.lanes()),
                       {acc, b.bitcast(weightWord, pairs), b.bitcast(inputWord, pairs)});
  }
  return b.fma(b.bitcast(weightWord, b.f32(b.lanes())), inputWord, acc);
}

void FloatMicrokernel::step(Value weights, Value inputs, llvm::MutableArrayRef<Value> acc) const {
  int64_t lanes = b.lanes();
  mlir::Type words = b.i32(lanes);
  auto loadWeight = [&](int64_t v) {
    Value at = b.offset(weights, v * lanes * wordBytes);
    return wordBytes == 2 ? b.widenF16(b.load(at, b.i16(lanes), lanes * 2)) : b.load(at, words, lanes * 4);
  };
  // Row t's word number `part` of the group, in every lane.
  auto loadInput = [&](int64_t t, int64_t part) {
    mlir::Type type = input.bf16 ? b.i32() : b.f32();
    return b.broadcast(b.load(b.offset(inputs, (part * tile + t) * 4), type), lanes);
  };
  for (int64_t part = 0; part < (splitsPairs ? 2 : 1); ++part) {
    if (part == 1)
      b.memoryBarrier(); // load the words again rather than hold both halves of all of them
    Values row;
    for (int64_t v = 0; v < vectors; ++v) {
      Value word = loadWeight(v);
      if (splitsPairs)
        word = part == 0 ? b.shiftLeft(word, 16) : b.bitAnd(word, b.constant(int32_t(0xffff0000u), words));
      row.push_back(word);
    }
    for (int64_t t = 0; t < tile; ++t) {
      Value x = loadInput(t, part);
      for (int64_t v = 0; v < vectors; ++v)
        acc[t * vectors + v] = dot(acc[t * vectors + v], row[v], x);
    }
  }
}

void FloatMicrokernel::emitBody(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate) const {
  int64_t width = vectors * b.lanes();
  if (width == panelRows) {
    emitColumns(weights, inputs, groups, sums, accumulate, b.offset(weights, prefetch.bytes));
    return;
  }
  // The panel is wider than the accumulators: go over it in blocks of k that stay in L1 while all its columns pass, so
  // that memory is still read in order: each pass asks for its part of the next block.
  constexpr int64_t blockGroups = 32;
  if (!accumulate)
    for (int64_t at = 0; at < tile * panelRows; at += b.lanes())
      b.store(b.real(0, b.lanes()), b.offset(sums, at * 4));
  auto block = [&](Value first, int64_t count) {
    b.loop(b.constant(0), b.constant(panelRows), width, [&](Value column) {
      Value blockWeights = b.offset(weights, first, weightGroupBytes);
      emitColumns(b.offset(blockWeights, column, wordBytes), b.offset(inputs, first, inputGroupBytes), count,
                  b.offset(sums, column, 4), /*accumulate=*/true,
                  b.offset(b.offset(blockWeights, blockGroups * weightGroupBytes), column, wordBytes * blockGroups));
    });
  };
  int64_t whole = groups / blockGroups * blockGroups;
  b.loop(b.constant(0), b.constant(whole), blockGroups, [&](Value first) { block(first, blockGroups); });
  if (whole < groups)
    block(b.constant(whole), groups - whole);
}

void FloatMicrokernel::emitColumns(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate,
                                   Value soonNeeded) const {
  int64_t lanes = b.lanes(), count = tile * vectors;
  auto sumAddress = [&](int64_t i) { return b.offset(sums, (i / vectors * panelRows + i % vectors * lanes) * 4); };
  Values acc;
  for (int64_t i = 0; i < count * unroll; ++i)
    acc.push_back(i < count && accumulate ? b.load(sumAddress(i), b.f32(lanes)) : b.real(0, lanes));
  auto stepAt = [&](Value group, int64_t u, llvm::MutableArrayRef<Value> sumsOfU) {
    Value weightsAt = b.offset(b.offset(weights, group, weightGroupBytes), u * weightGroupBytes);
    Value inputsAt = b.offset(b.offset(inputs, group, inputGroupBytes), u * inputGroupBytes);
    int64_t ahead = vectors * lanes * wordBytes;
    for (int64_t line = 0; line < ahead; line += 64)
      prefetchLine(b.offset(b.offset(soonNeeded, group, ahead), u * ahead + line));
    step(weightsAt, inputsAt, sumsOfU);
  };
  int64_t whole = groups / unroll * unroll;
  acc = b.loop(b.constant(0), b.constant(whole), unroll, acc, [&](Value group, llvm::ArrayRef<Value> carried) {
    Values next(carried.begin(), carried.end());
    for (int64_t u = 0; u < unroll; ++u)
      stepAt(group, u, llvm::MutableArrayRef<Value>(next).slice(u * count, count));
    return next;
  });
  for (int64_t group = whole; group < groups; ++group)
    stepAt(b.constant(group), 0, llvm::MutableArrayRef<Value>(acc).take_front(count));
  for (int64_t i = 0; i < count; ++i) {
    Value sum = acc[i];
    for (int64_t u = 1; u < unroll; ++u)
      sum = b.addf(sum, acc[u * count + i]);
    b.store(sum, sumAddress(i));
  }
}

} // namespace quipu::cpu
