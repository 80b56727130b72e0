#include "compiler/Codegen/Cpu/Kernels/Rope/Rotation.h"

namespace quipu::cpu {
namespace {

// Even and odd lanes of two vectors, and back.
llvm::SmallVector<int64_t> everySecond(int64_t lanes, int64_t first) {
  llvm::SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < lanes; ++lane)
    mask.push_back(2 * lane + first);
  return mask;
}
llvm::SmallVector<int64_t> alternate(int64_t lanes, int64_t first) {
  llvm::SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < lanes; ++lane)
    mask.push_back(first + lane / 2 + lane % 2 * lanes);
  return mask;
}

Value times(KernelBuilder &b, Value x, Value factor) { return factor ? b.mulf(x, factor) : x; }

// Cosines and sines of lanes() angles from `i` on.
struct Angles {
  Value cosine, sine;
};
Angles loadAngles(KernelBuilder &b, Value angles, int64_t half, Value i, Value mask) {
  auto at = [&](Value row) { return b.loadOr0(b.offset(row, i, 4), b.f32(b.lanes()), mask); };
  return {at(angles), at(b.offset(angles, half * 4))};
}
std::pair<Value, Value> turn(KernelBuilder &b, const Angles &a, Value first, Value second) {
  return {b.subf(b.mulf(first, a.cosine), b.mulf(second, a.sine)),
          b.addf(b.mulf(second, a.cosine), b.mulf(first, a.sine))};
}

} // namespace

Rotation Rotation::read(ParamReader &params, int64_t dim) {
  std::string name = params.text("rope_layout");
  Rotation rotation{name.empty()            ? Layout::None
                    : name == "interleaved" ? Layout::Interleaved
                                            : Layout::SplitHalf,
                    dim, params.integerOr("rotated", dim)};
  params.require(rotation.rotated <= dim && rotation.rotated % 2 == 0,
                 fmt::format("expected rotated to be even and at most dim ({}), got {}", dim, rotation.rotated));
  return rotation;
}

Value Rotation::anglesOf(KernelBuilder &b, Value positions, Value table, Value token) const {
  return b.offset(table, b.toI64(b.load(b.offset(positions, token, 4), b.i32())), rotated * 4);
}

void Rotation::emit(KernelBuilder &b, Value x, Value angles, Value factor, Value out) const {
  int64_t passFrom = layout == Layout::None ? 0 : rotated;
  if (layout == Layout::SplitHalf)
    emitSplitHalf(b, x, angles, factor, out);
  else if (layout == Layout::Interleaved)
    emitInterleaved(b, x, angles, factor, out);
  if (passFrom == dim)
    return;
  Value from = b.offset(x, passFrom * 4), to = b.offset(out, passFrom * 4);
  b.forVectors(dim - passFrom, [&](Value i, Value mask) {
    Value value = b.loadOr0(b.offset(from, i, 4), b.f32(b.lanes()), mask);
    b.store(times(b, value, factor), b.offset(to, i, 4), mask);
  });
}

void Rotation::emitSplitHalf(KernelBuilder &b, Value x, Value angles, Value factor, Value out) const {
  int64_t half = rotated / 2;
  b.forVectors(half, [&](Value i, Value mask) {
    auto load = [&](Value from) { return b.loadOr0(b.offset(from, i, 4), b.f32(b.lanes()), mask); };
    auto [first, second] = turn(b, loadAngles(b, angles, half, i, mask), load(x), load(b.offset(x, half * 4)));
    b.store(times(b, first, factor), b.offset(out, i, 4), mask);
    b.store(times(b, second, factor), b.offset(b.offset(out, half * 4), i, 4), mask);
  });
}

// Pairs lie side by side: two vectors hold lanes() pairs.
void Rotation::emitInterleaved(KernelBuilder &b, Value x, Value angles, Value factor, Value out) const {
  int64_t half = rotated / 2, lanes = b.lanes();
  b.forVectors(half, [&](Value i, Value mask) {
    auto maskAt = [&](int64_t vector) {
      return b.tailMask(b.sub(b.constant(rotated - vector * lanes), b.mul(i, 2)), lanes);
    };
    Value low = b.loadOr0(b.offset(x, i, 8), b.f32(lanes), maskAt(0));
    Value high = b.loadOr0(b.offset(b.offset(x, lanes * 4), i, 8), b.f32(lanes), maskAt(1));
    auto [first, second] = turn(b, loadAngles(b, angles, half, i, mask), b.shuffle(low, high, everySecond(lanes, 0)),
                                b.shuffle(low, high, everySecond(lanes, 1)));
    first = times(b, first, factor);
    second = times(b, second, factor);
    b.store(b.shuffle(first, second, alternate(lanes, 0)), b.offset(out, i, 8), maskAt(0));
    b.store(b.shuffle(first, second, alternate(lanes, lanes / 2)), b.offset(b.offset(out, lanes * 4), i, 8), maskAt(1));
  });
}

} // namespace quipu::cpu
