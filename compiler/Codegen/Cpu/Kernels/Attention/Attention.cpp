// attention: every query row sees the positions <= its own of its own sequence, in the paged cache.
//
// Tokens of a prompt are taken in tiles of several tokens and one KV head. Tokens left over by full tiles, and those of
// decoding sequences, are tiles of one token and several KV heads: such a tile does little with each key and value, so
// what counts is how fast they come from memory, and that is fastest where all heads of a page are read by one worker.
// Items go one after the other to the worker that is free; under the causal mask they differ in length. Those of one
// token are equal, and go to the workers in turn.
//
// With `splits`, the positions that a decoding sequence sees are cut into parts (Splits), and attention_merge joins
// their results (Flash-Decoding, Dao et al. 2023). Where there are fewer parts than workers, its KV heads are divided
// as well.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionPartials.h"
#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionTile.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace quipu::cpu {
namespace {

// Of a prompt's tile: enough to reuse each key and value, few enough to stay in the first-level cache.
constexpr int64_t tileRows = 16;

class Attention {
public:
  Attention(KernelBuilder &b, const AttentionParams &p, bool hasSplits)
      : b(b), p(p), tileTokens(std::max<int64_t>(1, tileRows / p.group())), workers(b.workers()) {
    if (hasSplits)
      splits.emplace(b, p.pageSize, p.window);
    scratch = b.scratch(
        std::max(AttentionTile(b, p, tileTokens, 1).scratchBytes(), AttentionTile(b, p, 1, p.kvHeads).scratchBytes()));
    mine = b.scratch(8);
    oneToken = b.equal(b.dim(StepDim::Tokens), b.constant(1));
  }

  void emit() {
    if (!splits)
      return sequences();
    Splits::Cut cut = splits->of(b.constant(0));
    b.when(
        b.bitAnd(cut.tapers, oneToken),
        [&]() -> Values {
          taperedParts(cut);
          return {};
        },
        [&]() -> Values {
          sequences();
          return {};
        });
  }

private:
  // The only token of the only sequence.
  void taperedParts(const Splits::Cut &cut) {
    Value none = b.constant(0);
    AttentionTile tile(b, p, 1, p.kvHeads);
    tile.begin(scratch, {none, none, b.constant(p.kvHeads), b.buffer("page_table")});
    b.repeat({b.worker()}, [&](llvm::ArrayRef<Value> carried) -> std::pair<Value, Values> {
      auto [first, last] = splits->blocksOf(cut, carried[0]);
      Value next = tile.generate({first, last, never(), partial(none, carried[0])}, [&]() -> AttentionTile::NextPart {
        Value number = b.add(workers, b.take());
        return {number, splits->blocksOf(cut, b.smaller(number, b.sub(cut.parts, b.constant(1)))).first};
      });
      return {b.less(next, cut.parts), {next}};
    });
  }

  Value never() { return b.constant(0, b.ops().getI1Type()); }

  Value partial(Value sequence, Value part) {
    return b.offset(b.buffer("partials"), splits->numberInStep(sequence, part), PartialLayout::of(p).partBytes());
  }

  // Every worker goes over all items and does those whose number it has taken.
  void sequences() {
    b.store(b.worker(), mine, 8);
    Value tables = b.buffer("page_table"), stride = b.dim(StepDim::PageStride);
    b.loop(b.constant(0), b.dim(StepDim::Sequences), 1, {b.constant(0)},
           [&](Value sequence, llvm::ArrayRef<Value> carried) -> Values {
             Value pages = b.offset(tables, b.mul(sequence, stride), 4);
             return {items(sequence, firstToken(b, sequence), firstToken(b, b.add(sequence, 1)), pages, carried[0])};
           });
  }

  void whenMine(Value item, llvm::function_ref<void()> body) {
    b.when(b.equal(item, b.load(mine, b.i64(), 8)), [&] {
      body();
      Values next = b.when(
          oneToken, [&] { return Values{b.add(item, workers)}; }, [&] { return Values{b.add(workers, b.take())}; });
      b.store(next[0], mine, 8);
    });
  }

  // The tokens [first, last) of a sequence; `count` numbers the items from sequence to sequence. Gives the next number.
  Value items(Value sequence, Value first, Value last, Value pages, Value count) {
    Value whole = first;
    if (tileTokens > 1) {
      whole = b.add(first, b.mul(b.div(b.sub(last, first), tileTokens), tileTokens));
      count = tiles(first, whole, pages, count);
    }
    Value decodes = b.equal(b.sub(last, first), b.constant(1));
    return b.loop(whole, last, 1, {count}, [&](Value token, llvm::ArrayRef<Value> counted) -> Values {
      return {tokenAlone(sequence, token, decodes, pages, counted[0])};
    })[0];
  }

  Value tiles(Value first, Value last, Value pages, Value count) {
    return b.loop(b.constant(0), b.constant(p.kvHeads), 1, {count}, [&](Value kvHead, llvm::ArrayRef<Value> outer) {
      return b.loop(first, last, tileTokens, outer, [&](Value token, llvm::ArrayRef<Value> counted) -> Values {
        whenMine(counted[0], [&] {
          AttentionTile tile(b, p, tileTokens, 1);
          tile.begin(scratch, {token, kvHead, b.constant(1), pages});
          tile.generate({});
        });
        return {b.add(counted[0], 1)};
      });
    })[0];
  }

  Value tokenAlone(Value sequence, Value token, Value decodes, Value pages, Value count) {
    Value one = b.constant(1), parts = one;
    Splits::Cut cut;
    if (splits) {
      cut = splits->of(token);
      parts = b.select(decodes, cut.parts, one);
    }
    Value headParts = b.smaller(b.div(b.add(workers, b.add(parts, -1)), parts), b.constant(p.kvHeads));
    Value items = b.mul(parts, headParts);
    b.loop(b.constant(0), items, 1, [&](Value item) {
      whenMine(b.add(count, item), [&] {
        Value part = b.div(item, headParts), headPart = b.rem(item, headParts);
        auto headAt = [&](Value part) { return b.div(b.mul(part, p.kvHeads), headParts); };
        Value firstHead = headAt(headPart), heads = b.sub(headAt(b.add(headPart, 1)), firstHead);
        AttentionTile::Part positions;
        if (splits) {
          std::tie(positions.firstBlock, positions.lastBlock) = splits->blocksOf({cut.blocks, parts, never()}, part);
          positions.alone = b.equal(parts, one);
          positions.partial = partial(sequence, part);
        }
        AttentionTile tile(b, p, 1, p.kvHeads);
        tile.begin(scratch, {token, firstHead, heads, pages});
        tile.generate(positions);
      });
    });
    return b.add(count, items);
  }

  KernelBuilder &b;
  const AttentionParams &p;
  int64_t tileTokens;
  Value workers, scratch, mine, oneToken;
  std::optional<Splits> splits;
};

} // namespace

Expected<> generateAttention(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  AttentionParams p{AttentionShape::read(params), {}};
  p.cache = readCacheLayout(params, p.kvHeads, p.dim);
  bool splits = params.flag("splits");
  if (auto read = params.finish(); !read)
    return read;

  Attention(b, p, splits).emit();
  return {};
}

} // namespace quipu::cpu
