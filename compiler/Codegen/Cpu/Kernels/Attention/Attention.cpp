// attention: every query row sees the positions <= its own of its own sequence, in the paged cache.
//
// Tokens of a prompt are taken in tiles of several tokens and one KV head. Tokens left over by full tiles, and those of
// decoding sequences, are tiles of one token and several KV heads: such a tile does little with each key and value, so
// what counts is how fast they come from memory, and that is fastest where all heads of a page are read by one worker.
// Items go to the workers in turn: under the causal mask later tiles are longer, and this spreads them evenly.
//
// With `splits`, the positions that a decoding sequence sees are cut into as many items as there are workers;
// attention_merge joins their results (Flash-Decoding, Dao et al. 2023). Where there are too few positions for that,
// its KV heads are divided as well.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionPartials.h"
#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionTile.h"

#include <algorithm>
#include <optional>

namespace quipu::cpu {
namespace {

// Of a prompt's tile: enough to reuse each key and value, few enough to stay in the first-level cache.
constexpr int64_t tileRows = 16;

// Which worker takes what: items in turn.
class Distribution {
public:
  Distribution(KernelBuilder &b, const AttentionParams &p, bool splits)
      : b(b), p(p), tileTokens(std::max<int64_t>(1, tileRows / p.group())), mine(b.worker()), workers(b.workers()) {
    if (splits)
      cut.emplace(b);
    scratch = b.scratch(
        std::max(AttentionTile(b, p, tileTokens, 1).scratchBytes(), AttentionTile(b, p, 1, p.kvHeads).scratchBytes()));
  }

  // The tokens [first, last) of a sequence; `count` numbers the items from sequence to sequence. Gives the next number.
  Value sequence(Value number, Value first, Value last, Value pages, Value count) {
    if (!cut)
      return prompt(first, last, pages, count);
    Value decodes = b.equal(b.sub(last, first), b.constant(1));
    return b.when(
        decodes, [&] { return Values{oneToken(first, pages, count, number)}; },
        [&] { return Values{prompt(first, last, pages, count)}; })[0];
  }

private:
  Value prompt(Value first, Value last, Value pages, Value count) {
    Value whole = first;
    if (tileTokens > 1) {
      whole = b.add(first, b.mul(b.div(b.sub(last, first), tileTokens), tileTokens));
      count = tiles(first, whole, pages, count);
    }
    return b.loop(whole, last, 1, {count}, [&](Value left, llvm::ArrayRef<Value> counted) -> Values {
      return {oneToken(left, pages, counted[0], Value())};
    })[0];
  }

  void whenMine(Value item, llvm::function_ref<void()> body) { b.when(b.equal(b.rem(item, workers), mine), body); }

  Value tiles(Value first, Value last, Value pages, Value count) {
    return b.loop(b.constant(0), b.constant(p.kvHeads), 1, {count}, [&](Value kvHead, llvm::ArrayRef<Value> outer) {
      return b.loop(first, last, tileTokens, outer, [&](Value token, llvm::ArrayRef<Value> counted) -> Values {
        whenMine(counted[0], [&] {
          AttentionTile(b, p, tileTokens, 1).generate(scratch, {token, kvHead, b.constant(1), pages, {}, {}, {}});
        });
        return {b.add(counted[0], 1)};
      });
    })[0];
  }

  // One token; of a sequence that decodes its number, else null.
  Value oneToken(Value token, Value pages, Value count, Value sequence) {
    Value splits = sequence ? cut->of(token, p.window) : b.constant(1);
    Value headParts = b.smaller(b.div(b.add(workers, b.add(splits, -1)), splits), b.constant(p.kvHeads));
    Value items = b.mul(splits, headParts);
    b.loop(b.constant(0), items, 1, [&](Value item) {
      whenMine(b.add(count, item), [&] {
        Value split = b.div(item, headParts), headPart = b.rem(item, headParts);
        auto headAt = [&](Value part) { return b.div(b.mul(part, p.kvHeads), headParts); };
        Value firstHead = headAt(headPart), heads = b.sub(headAt(b.add(headPart, 1)), firstHead);
        AttentionTile::Item tile{token, firstHead, heads, pages, {}, {}, {}};
        if (sequence) {
          tile.split = split;
          tile.splits = splits;
          PartialLayout layout = PartialLayout::of(p);
          tile.partial = b.offset(b.buffer(6), cut->part(sequence, split), layout.partBytes());
        }
        AttentionTile(b, p, 1, p.kvHeads).generate(scratch, tile);
      });
    });
    return b.add(count, items);
  }

  KernelBuilder &b;
  const AttentionParams &p;
  int64_t tileTokens;
  Value mine, workers, scratch;
  std::optional<Splits> cut;
};

} // namespace

Expected<> generateAttention(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  AttentionParams p{AttentionShape::read(params), {}};
  p.cache = readCacheLayout(params, p.kvHeads, p.dim);
  bool splits = params.flag("splits");
  if (auto read = params.finish(); !read)
    return read;

  Distribution distribution(b, p, splits);
  Value tables = b.buffer(4), stride = b.dim(StepDim::PageStride);
  b.loop(b.constant(0), b.dim(StepDim::Sequences), 1, {b.constant(0)},
         [&](Value sequence, llvm::ArrayRef<Value> carried) -> Values {
           Value pages = b.offset(tables, b.mul(sequence, stride), 4);
           return {distribution.sequence(sequence, firstToken(b, sequence), firstToken(b, b.add(sequence, 1)), pages,
                                         carried[0])};
         });
  return {};
}

} // namespace quipu::cpu
