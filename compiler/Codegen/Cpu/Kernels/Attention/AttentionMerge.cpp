// attention_merge: joins what `attention` with `splits` left of decoding sequences. With m the largest maximum of the
// parts, out = sum of 2^(m_i - m) o_i / sum of 2^(m_i - m) l_i.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionPartials.h"
#include "compiler/Codegen/Cpu/VectorMath.h"

namespace quipu::cpu {

Value firstToken(KernelBuilder &b, Value sequence) {
  return b.toI64(b.load(b.offset(b.buffer(2), sequence, 4), b.i32()));
}

Splits::Splits(KernelBuilder &b)
    : b(b), most(b.smaller(b.div(b.constant(PartialLayout::mostParts), b.dim(StepDim::Sequences)),
                           b.constant(PartialLayout::mostSplits))) {}

Value Splits::part(Value sequence, Value split) const { return b.add(b.mul(sequence, most), split); }

Value Splits::of(Value token, int64_t window) const {
  Value positions = b.toI64(b.load(b.offset(b.buffer(1), token, 4), b.i32()));
  if (window)
    positions = b.smaller(positions, b.constant(window));
  return b.larger(b.smaller(b.smaller(b.div(positions, 256), most), b.workers()), b.constant(1));
}

namespace {

void mergeRow(KernelBuilder &b, const PartialLayout &layout, int64_t dim, Value parts, Value splits, Value out) {
  int64_t lanes = b.lanes(), vectors = layout.paddedDim / lanes;
  auto partAt = [&](Value split) { return b.offset(parts, split, layout.partBytes()); };
  Values largest = b.loop(b.constant(0), splits, 1, {b.real(-1e30)}, [&](Value split, llvm::ArrayRef<Value> most) {
    return Values{b.maxf(most[0], b.load(b.offset(partAt(split), layout.maximumAt()), b.f32()))};
  });
  Values zeros(size_t(vectors + 1), b.real(0, lanes)); // the last is the sum of weights
  Values sums = b.loop(b.constant(0), splits, 1, zeros, [&](Value split, llvm::ArrayRef<Value> carried) {
    Value part = partAt(split);
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
  Splits cut(b);
  Value partials = b.buffer(6), out = b.buffer(7);
  auto [first, last] = b.workerRange(b.mul(b.dim(StepDim::Sequences), heads));
  b.loop(first, last, 1, [&](Value item) {
    Value sequence = b.div(item, heads), head = b.rem(item, heads);
    Value token = firstToken(b, sequence), count = b.sub(firstToken(b, b.add(sequence, 1)), token);
    b.when(b.equal(count, b.constant(1)), [&] {
      Value splits = cut.of(token, shape.window);
      b.when(b.less(b.constant(1), splits), [&] {
        Value first = b.offset(partials, cut.part(sequence, b.constant(0)), layout.partBytes());
        mergeRow(b, layout, dim, b.offset(first, head, layout.rowBytes()), splits,
                 b.offset(out, b.add(b.mul(token, heads), head), dim * 4));
      });
    });
  });
  return {};
}

} // namespace quipu::cpu
