// attention_merge: joins what `attention` with `splits` left of decoding sequences. With m the largest maximum of the
// parts, out = sum of 2^(m_i - m) o_i / sum of 2^(m_i - m) l_i.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionPartials.h"
#include "compiler/Codegen/Cpu/VectorMath.h"

#include <algorithm>

namespace quipu::cpu {

Value firstToken(KernelBuilder &b, Value sequence) {
  return b.toI64(b.load(b.offset(b.buffer("seq_starts"), sequence, 4), b.i32()));
}

namespace {

constexpr int64_t leastPositions = 256;    // of a part, where all are equal
constexpr int64_t taperedPositions = 1024; // for each worker: then the merge of more parts costs less than waiting
constexpr int64_t itemsOfWorker = 8;

} // namespace

Splits::Splits(KernelBuilder &b, int64_t pageSize, int64_t window)
    : b(b), pageSize(pageSize), window(window),
      most(b.div(b.constant(PartialLayout::mostParts), b.dim(StepDim::Sequences))) {
  Value workers = b.workers();
  Value shared = b.div(b.mul(workers, itemsOfWorker), b.dim(StepDim::Sequences));
  ofSeveral = b.smaller(b.larger(workers, shared), most);
}

Value Splits::numberInStep(Value sequence, Value part) const { return b.add(b.mul(sequence, most), part); }

Splits::Cut Splits::of(Value token) const {
  Value position = b.toI64(b.load(b.offset(b.buffer("positions"), token, 4), b.i32()));
  Value pages = b.div(position, pageSize), seen = position;
  if (window) {
    pages = b.sub(pages, b.div(b.larger(b.add(position, 1 - window), b.constant(0)), pageSize));
    seen = b.smaller(position, b.constant(window));
  }
  Cut cut;
  cut.blocks = b.add(b.div(pages, attentionBlockPages), 1);
  Value sequences = b.dim(StepDim::Sequences), workers = b.workers(), one = b.constant(1);
  Value alone = b.equal(sequences, one);
  Value isLong = b.less(b.mul(workers, taperedPositions), seen), hasRoom = b.less(b.mul(workers, 2), b.add(most, 1));
  cut.tapers = b.bitAnd(b.bitAnd(alone, b.less(one, workers)), b.bitAnd(isLong, hasRoom));
  cut.parts = b.when(
      cut.tapers,
      [&]() -> Values {
        Tier last = tier(cut.blocks, cut.tapers, Value());
        return {b.add(last.parts, lastParts(last))};
      },
      [&]() -> Values {
        return {b.larger(b.smaller(b.div(seen, leastPositions), b.select(alone, b.smaller(workers, most), ofSeveral)),
                         one)};
      })[0];
  return cut;
}

Splits::Tier Splits::tier(Value blocks, Value tapers, Value part) const {
  Value zero = b.constant(0), workers = b.workers();
  // Behind a tier there must be room for one part for each worker.
  auto sizeOf = [&](Value parts, Value rest) {
    Value fits = b.less(b.add(parts, b.mul(workers, 2)), b.add(most, 1));
    Value eighths = b.select(b.equal(parts, zero), b.constant(7), b.constant(6));
    return b.select(b.bitAnd(tapers, fits), b.div(b.mul(rest, eighths), b.mul(workers, 8)), zero);
  };
  Values found = b.repeat({zero, zero}, [&](llvm::ArrayRef<Value> before) -> std::pair<Value, Values> {
    Value size = sizeOf(before[0], b.sub(blocks, before[1])), parts = b.add(before[0], workers);
    Value passes = b.less(zero, size);
    if (part)
      passes = b.bitAnd(passes, b.less(parts, b.add(part, 1)));
    return {passes,
            {b.select(passes, parts, before[0]), b.select(passes, b.add(before[1], b.mul(size, workers)), before[1])}};
  });
  Value rest = b.sub(blocks, found[1]);
  return {found[0], found[1], rest, sizeOf(found[0], rest)};
}

Value Splits::lastParts(const Tier &tier) const { return b.smaller(tier.rest, b.sub(most, tier.parts)); }

std::pair<Value, Value> Splits::blocksOf(const Cut &cut, Value part) const {
  Tier own = tier(cut.blocks, cut.tapers, part);
  Value number = b.sub(part, own.parts), tiered = b.less(b.constant(0), own.size);
  Value parts = b.select(cut.tapers, lastParts(own), cut.parts);
  auto border = [&](Value i) {
    Value equal = b.div(b.mul(own.rest, i), parts);
    return b.add(own.blocks, b.select(tiered, b.mul(own.size, i), equal));
  };
  return {border(number), border(b.add(number, 1))};
}

namespace {

void mergeRow(KernelBuilder &b, const PartialLayout &layout, int64_t dim, Value first, Value parts, Value out) {
  int64_t lanes = b.lanes(), vectors = layout.paddedDim / lanes;
  auto partAt = [&](Value part) { return b.offset(first, part, layout.partBytes()); };
  Values largest = b.loop(b.constant(0), parts, 1, {b.real(-1e30)}, [&](Value part, llvm::ArrayRef<Value> most) {
    return Values{b.maxf(most[0], b.load(b.offset(partAt(part), layout.maximumAt()), b.f32()))};
  });
  Values zeros(size_t(vectors + 1), b.real(0, lanes)); // the last is the sum of weights
  Values sums = b.loop(b.constant(0), parts, 1, zeros, [&](Value number, llvm::ArrayRef<Value> carried) {
    Value part = partAt(number);
    auto wide = [&](int64_t at) { return b.broadcast(b.load(b.offset(part, at), b.f32()), lanes); };
    Value factor = exp2OfNegative(b, b.subf(wide(layout.maximumAt()), b.broadcast(largest[0], lanes)));
    Values next;
    for (int64_t v = 0; v < vectors; ++v)
      next.push_back(b.fma(factor, b.load(b.offset(part, v * lanes * 4), b.f32(lanes)), carried[size_t(v)]));
    next.push_back(b.fma(factor, wide(layout.sumAt()), carried.back()));
    return next;
  });
  Value inverse = b.divf(b.real(1, lanes), sums.back());
  for (int64_t v = 0; v * lanes < dim; ++v)
    b.store(b.mulf(sums[size_t(v)], inverse), b.offset(out, v * lanes * 4),
            b.tailMask(b.constant(dim - v * lanes), lanes));
}

} // namespace

Expected<> generateAttentionMerge(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  AttentionShape shape = AttentionShape::read(params);
  if (auto read = params.finish(); !read)
    return read;

  int64_t heads = shape.heads, dim = shape.dim;
  PartialLayout layout = PartialLayout::of(shape);
  Splits splits(b, shape.pageSize, shape.window);
  Value partials = b.buffer("partials"), out = b.buffer("out");
  auto [first, last] = b.workerRange(b.mul(b.dim(StepDim::Sequences), heads));
  b.loop(first, last, 1, [&](Value item) {
    Value sequence = b.div(item, heads), head = b.rem(item, heads);
    Value token = firstToken(b, sequence), count = b.sub(firstToken(b, b.add(sequence, 1)), token);
    b.when(b.equal(count, b.constant(1)), [&] {
      Value parts = splits.of(token).parts;
      b.when(b.less(b.constant(1), parts), [&] {
        Value first = b.offset(partials, splits.numberInStep(sequence, b.constant(0)), layout.partBytes());
        mergeRow(b, layout, dim, b.offset(first, head, layout.rowBytes()), parts,
                 b.offset(out, b.add(b.mul(token, heads), head), dim * 4));
      });
    });
  });
  return {};
}

} // namespace quipu::cpu
