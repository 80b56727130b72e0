// rope, kv_append and rope_append: rotary embedding of query and key heads, and keys and values into the paged cache.
//
// The work is one head of one token at a time, divided evenly over the workers. A token's key and value lie scattered
// over many lines (CacheLayout.h): these stores are scalar by nature, everything before them is vector code.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/Kernels/CacheLayout.h"

namespace quipu::cpu {
namespace {

enum class Rotation { None, SplitHalf, Interleaved };

Rotation readRotation(ParamReader &params) {
  std::string layout = params.text("rope_layout");
  return layout.empty() ? Rotation::None : layout == "interleaved" ? Rotation::Interleaved : Rotation::SplitHalf;
}

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

// out = the head at x turned by the angles whose cosines, then sines, are at `angles`.
void rotateHead(KernelBuilder &b, Rotation rotation, int64_t dim, Value x, Value angles, Value out) {
  int64_t half = dim / 2, lanes = b.lanes();
  b.forVectors(half, [&](Value i, Value mask) {
    Value cosine = b.loadOr0(b.offset(angles, i, 4), b.f32(lanes), mask);
    Value sine = b.loadOr0(b.offset(b.offset(angles, half * 4), i, 4), b.f32(lanes), mask);
    auto turn = [&](Value first, Value second) {
      return std::pair(b.subf(b.mulf(first, cosine), b.mulf(second, sine)),
                       b.addf(b.mulf(second, cosine), b.mulf(first, sine)));
    };
    if (rotation == Rotation::SplitHalf) {
      auto [first, second] = turn(b.loadOr0(b.offset(x, i, 4), b.f32(lanes), mask),
                                  b.loadOr0(b.offset(b.offset(x, half * 4), i, 4), b.f32(lanes), mask));
      b.store(first, b.offset(out, i, 4), mask);
      b.store(second, b.offset(b.offset(out, half * 4), i, 4), mask);
      return;
    }
    // Pairs lie side by side: two vectors hold `lanes` pairs.
    auto maskAt = [&](int64_t vector) {
      return b.tailMask(b.sub(b.constant(dim - vector * lanes), b.mul(i, 2)), lanes);
    };
    Value low = b.loadOr0(b.offset(x, i, 8), b.f32(lanes), maskAt(0));
    Value high = b.loadOr0(b.offset(b.offset(x, lanes * 4), i, 8), b.f32(lanes), maskAt(1));
    auto [first, second] =
        turn(b.shuffle(low, high, everySecond(lanes, 0)), b.shuffle(low, high, everySecond(lanes, 1)));
    b.store(b.shuffle(first, second, alternate(lanes, 0)), b.offset(out, i, 8), maskAt(0));
    b.store(b.shuffle(first, second, alternate(lanes, lanes / 2)), b.offset(b.offset(out, lanes * 4), i, 8), maskAt(1));
  });
}

// Where a token goes in the cache: the block of its page and a KV head, and its offset in the page.
struct CachePlace {
  Value block, offset;
};

CachePlace cachePlace(KernelBuilder &b, const CacheLayout &layout, Value slots, Value cache, Value token, Value head) {
  Value slot = b.toI64(b.load(b.offset(slots, token, 4), b.i32()));
  Value page = b.offset(cache, b.div(slot, layout.pageSize), layout.pageBytes());
  return {b.offset(page, head, layout.headBytes()), b.rem(slot, layout.pageSize)};
}

// The row of the RoPE table for a token: cosines, then sines.
Value anglesOf(KernelBuilder &b, Value positions, Value table, Value token, int64_t dim) {
  return b.offset(table, b.toI64(b.load(b.offset(positions, token, 4), b.i32())), dim * 4);
}

// Calls body(token, unit) for this worker's share of tokens * units.
void forUnits(KernelBuilder &b, Value tokens, int64_t units, llvm::function_ref<void(Value, Value)> body) {
  auto [first, last] = b.workerRange(b.mul(tokens, units));
  b.loop(first, last, 1, [&](Value item) { body(b.div(item, units), b.rem(item, units)); });
}

} // namespace

Expected<> generateRope(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t heads = params.integer("heads"), dim = params.integer("dim");
  Rotation rotation = readRotation(params);
  if (auto read = params.finish(); !read)
    return read;

  Value x = b.buffer("x"), positions = b.buffer("positions"), table = b.buffer("rope_table"), out = b.buffer("out");
  forUnits(b, b.dim(StepDim::Tokens), heads, [&](Value token, Value head) {
    Value place = b.add(b.mul(token, heads), head);
    rotateHead(b, rotation, dim, b.offset(x, place, dim * 4), anglesOf(b, positions, table, token, dim),
               b.offset(out, place, dim * 4));
  });
  return {};
}

Expected<> generateKvAppend(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t kvHeads = params.integer("kv_heads"), dim = params.integer("dim");
  CacheLayout layout = readCacheLayout(params, kvHeads, dim);
  if (auto read = params.finish(); !read)
    return read;

  Value k = b.buffer("k"), v = b.buffer("v"), slots = b.buffer("slots"), cache = b.buffer("cache");
  Value rounded = b.scratch(layout.scratchBytes());
  forUnits(b, b.dim(StepDim::Tokens), kvHeads, [&](Value token, Value head) {
    CachePlace place = cachePlace(b, layout, slots, cache, token, head);
    Value row = b.add(b.mul(token, kvHeads), head);
    layout.storeKey(b, place.block, place.offset, b.offset(k, row, dim * 4), rounded);
    layout.storeValue(b, place.block, place.offset, b.offset(v, row, dim * 4), rounded);
  });
  return {};
}

Expected<> generateRopeAppend(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t heads = params.integer("heads"), kvHeads = params.integer("kv_heads"), dim = params.integer("dim");
  Rotation rotation = readRotation(params);
  bool separateV = params.flag("separate_v"); // rows of qkv end with k, v are rows of their own
  CacheLayout layout = readCacheLayout(params, kvHeads, dim);
  if (auto read = params.finish(); !read)
    return read;

  Value qkv = b.buffer("qkv"), v = b.buffer("v"), positions = b.buffer("positions"), slots = b.buffer("slots"),
        table = b.buffer("rope_table"), cache = b.buffer("cache"), out = b.buffer("q_out");
  Value rotated = b.scratch(dim * 4), rounded = b.scratch(layout.scratchBytes());
  forUnits(b, b.dim(StepDim::Tokens), heads + kvHeads, [&](Value token, Value unit) {
    Value row = b.offset(qkv, token, (heads + (separateV ? 1 : 2) * kvHeads) * dim * 4);
    Value x = b.offset(row, unit, dim * 4);
    auto rotateTo = [&](Value to) { rotateHead(b, rotation, dim, x, anglesOf(b, positions, table, token, dim), to); };
    Value isQuery = b.less(unit, b.constant(heads));
    b.when(isQuery, [&] {
      Value to = b.offset(out, b.add(b.mul(token, heads), unit), dim * 4);
      if (rotation != Rotation::None)
        return rotateTo(to);
      b.forVectors(dim, [&](Value i, Value mask) {
        b.store(b.loadOr0(b.offset(x, i, 4), b.f32(b.lanes()), mask), b.offset(to, i, 4), mask);
      });
    });
    // A KV head's unit takes both its key and its value.
    b.when(b.equal(isQuery, b.zero(isQuery.getType())), [&] {
      Value head = b.sub(unit, b.constant(heads));
      CachePlace place = cachePlace(b, layout, slots, cache, token, head);
      if (rotation != Rotation::None)
        rotateTo(rotated);
      layout.storeKey(b, place.block, place.offset, rotation == Rotation::None ? x : rotated, rounded);
      Value value =
          separateV ? b.offset(v, b.add(b.mul(token, kvHeads), head), dim * 4) : b.offset(x, kvHeads * dim * 4);
      layout.storeValue(b, place.block, place.offset, value, rounded);
    });
  });
  return {};
}

} // namespace quipu::cpu
