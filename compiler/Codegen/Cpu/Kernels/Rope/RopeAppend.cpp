// rope, kv_append and rope_append: rotary embedding of query and key heads, and keys and values into the paged cache.
//
// The work is one head of one token at a time, divided evenly over the workers. A token's key and value lie scattered
// over many lines (CacheLayout.h): these stores are scalar by nature, everything before them is vector code.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/Kernels/CacheLayout.h"
#include "compiler/Codegen/Cpu/Kernels/Rope/HeadNorm.h"
#include "compiler/Codegen/Cpu/Kernels/Rope/Rotation.h"

namespace quipu::cpu {
namespace {

// Where a token goes in the cache: the block of its page and a KV head, and its offset in the page.
struct CachePlace {
  Value block, offset;
};

CachePlace cachePlace(KernelBuilder &b, const CacheLayout &layout, Value slots, Value cache, Value token, Value head) {
  Value slot = b.toI64(b.load(b.offset(slots, token, 4), b.i32()));
  Value page = b.offset(cache, b.div(slot, layout.pageSize), layout.pageBytes());
  return {b.offset(page, head, layout.headBytes()), b.rem(slot, layout.pageSize)};
}

// Calls body(token, unit) for this worker's share of tokens * units.
void forUnits(KernelBuilder &b, Value tokens, int64_t units, llvm::function_ref<void(Value, Value)> body) {
  auto [first, last] = b.workerRange(b.mul(tokens, units));
  b.loop(first, last, 1, [&](Value item) { body(b.div(item, units), b.rem(item, units)); });
}

class RopeAppend {
public:
  RopeAppend(ParamReader &params, KernelBuilder &b)
      : b(b), heads(params.integer("heads")), kvHeads(params.integer("kv_heads")), dim(params.integer("dim")),
        rotation(Rotation::read(params, dim)), norm(HeadNorm::read(params, heads, kvHeads, dim)),
        queryScale(PositionScale::read(params)), separateV(params.flag("separate_v")),
        layout(readCacheLayout(params, kvHeads, dim)) {}

  void emit() {
    scratch = b.scratch(dim * 4);
    normed = b.scratch(dim * 4);
    rounded = b.scratch(layout.scratchBytes());
    Value factors = b.scratch(8);
    auto [first, last] = b.workerRange(b.mul(b.dim(StepDim::Tokens), heads + kvHeads));
    b.loop(first, last, 1, {b.constant(-1)}, [&](Value item, llvm::ArrayRef<Value> carried) -> Values {
      Value token = b.div(item, heads + kvHeads), unit = b.rem(item, heads + kvHeads);
      Value row = b.offset(b.buffer("qkv"), token, rowFeatures() * 4);
      // Those of a norm over all heads serve every unit of the token.
      if (norm && norm->whole)
        b.when(b.notEqual(token, carried[0]), [&] { norm->storeFactors(b, row, heads, kvHeads, factors); });
      Value isQuery = b.less(unit, b.constant(heads)), x = b.offset(row, unit, dim * 4);
      b.when(isQuery, [&] { query(token, unit, x, factors); });
      // A KV head's unit takes both its key and its value.
      b.when(b.equal(isQuery, b.zero(isQuery.getType())),
             [&] { keyAndValue(token, b.sub(unit, b.constant(heads)), x, factors); });
      return {token};
    });
  }

private:
  int64_t rowFeatures() const { return (heads + (separateV ? 1 : 2) * kvHeads) * dim; }

  // The head at x after the norm, in scratch where there is one.
  Value afterNorm(Value x, Value gain, Value head, Value factor) {
    if (!norm)
      return x;
    norm->emit(b, x, gain, head, factor, normed);
    return normed;
  }
  Value anglesOf(Value token) { return rotation.anglesOf(b, b.buffer("positions"), b.buffer("rope_table"), token); }

  void query(Value token, Value head, Value x, Value factors) {
    Value factor;
    if (queryScale)
      factor = b.broadcast(queryScale->of(b, b.buffer("positions"), token), b.lanes());
    rotation.emit(b, afterNorm(x, b.buffer("q_gain"), head, factors), anglesOf(token), factor,
                  b.offset(b.buffer("q_out"), b.add(b.mul(token, heads), head), dim * 4));
  }

  void keyAndValue(Value token, Value head, Value x, Value factors) {
    CachePlace place = cachePlace(b, layout, b.buffer("slots"), b.buffer("cache"), token, head);
    Value key = afterNorm(x, b.buffer("k_gain"), head, b.offset(factors, 4));
    if (rotation.layout != Rotation::Layout::None) {
      rotation.emit(b, key, anglesOf(token), /*factor=*/Value(), scratch);
      key = scratch;
    }
    layout.storeKey(b, place.block, place.offset, key, rounded);
    Value value = separateV ? b.offset(b.buffer("v"), b.add(b.mul(token, kvHeads), head), dim * 4)
                            : b.offset(x, kvHeads * dim * 4);
    layout.storeValue(b, place.block, place.offset, value, rounded);
  }

  KernelBuilder &b;
  int64_t heads, kvHeads, dim;
  Rotation rotation;
  std::optional<HeadNorm> norm;
  std::optional<PositionScale> queryScale;
  bool separateV; // rows of qkv end with k, v are rows of their own
  CacheLayout layout;
  Value scratch, normed, rounded;
};

} // namespace

Expected<> generateRope(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t heads = params.integer("heads"), dim = params.integer("dim");
  Rotation rotation = Rotation::read(params, dim);
  if (auto read = params.finish(); !read)
    return read;

  Value x = b.buffer("x"), positions = b.buffer("positions"), table = b.buffer("rope_table"), out = b.buffer("out");
  forUnits(b, b.dim(StepDim::Tokens), heads, [&](Value token, Value head) {
    Value place = b.add(b.mul(token, heads), head);
    rotation.emit(b, b.offset(x, place, dim * 4), rotation.anglesOf(b, positions, table, token), /*factor=*/Value(),
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
  RopeAppend append(params, b);
  if (auto read = params.finish(); !read)
    return read;
  append.emit();
  return {};
}

} // namespace quipu::cpu
