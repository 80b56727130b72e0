// sample: the next token of each row of logits, as compiler/Reference/Sampling.h has it. A worker does whole rows, and
// reads the logits of one at most twice:
//
//   1. The largest logit; on the way, the largest of each group of columns. Greedy rows are done: the first group that
//      has the largest is where the token is.
//   2. A list of the tokens that can matter, in scratch, in the order of their ids: those whose logit is not below the
//      k-th largest of the groups' (k groups have one that is not, so the k likeliest are among them; few others are),
//      nor so far below the largest that all of a vocabulary have no weight together.
//
// The rest works on the list: top-k drops what ranks after the k-th. Then the race of all that is left, and only of its
// winner is it asked whether top-p lets it stay: whether what ranks before it has less than p of the weight. If not,
// what ranks before it is all that can win, and races again. So no sort is needed, and as a rule one race.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/VectorMath.h"
#include "runtime/Artifact/RowSampling.h"
#include "runtime/Support/Rounding.h"

#include <cmath>
#include <cstddef>

namespace quipu::cpu {
namespace {

// Vectors of logits whose largest are kept lane by lane: a group is so many columns, `lanes` apart.
constexpr int64_t groupVectors = 32;
// Weights below e^-32 of the largest: less than 2^-24 of it, were there 2^20 of them. No such token wins a race, for
// the noise is from -3.2 to 22.9, and the likeliest races as well.
constexpr double negligible = 32;
constexpr double largestNoise = 22.9;

class RowSampler {
public:
  RowSampler(KernelBuilder &b, int64_t n) : b(b), n(n), lanes(b.lanes()), perGroup(groupVectors * b.lanes()) {
    values = b.scratch((n + 2 * lanes) * 4);
    ids = b.scratch((n + 2 * lanes) * 4);
    groups = b.scratch(groupCount() * lanes * 4);
  }

  // The token of a row. The addresses are those of the row's logits, of its RowSampling and of its words of `seen`.
  Value sample(Value logits, Value row, Value seen);

private:
  int64_t groupCount() const { return divideUp(n, perGroup); }
  Value below() { return b.real(-INFINITY, lanes); }
  Value vectorAt(Value address, Value index) { return b.load(b.offset(address, index, 4), b.f32(lanes)); }
  Value splat(Value scalar) { return b.broadcast(scalar, lanes); }
  Value anyLane(Value mask) { return b.notEqual(b.maskBits(mask), b.constant(0)); }

  void penalise(Value logits, Value seen, Value penalty);
  Value findLargest();
  Value firstColumnOf(Value largest);
  Value draw(Value largest, Value temperature, Value row);

  using Predicate = llvm::function_ref<Value(Value values, Value ids)>;
  Value listLogits(Value least);
  Value keep(Value count, Predicate predicate);
  Value append(Value kept, Value mask, Value x, Value tokens);
  void endList(Value count);

  Value countAtLeast(Value list, Value count, Value least);
  Value keyOf(Value value);
  Value valueOf(Value key);
  Value findRank(Value list, Value count, Value rank, Value lowest, Value largest);
  Value keepTopK(Value count, Value k, Value lowest, Value largest);

  Value scores(Value values, Value largest, Value inverse);
  Value mass(Value count, Value largest, Value inverse);
  Value noiseBits(Value ids, Value key);
  Value noise(Value bits);
  Value canBeat(Value best, Value score, Value bits);
  Value race(Value count, Value largest, Value inverse, Value minP, Value key);

  KernelBuilder &b;
  int64_t n, lanes, perGroup;
  Value values, ids; // the list: f32 and i32, in the order of ids, then lanes() values below all
  Value groups;      // f32: the largest of each group
  Value source;      // f32 [n]: the row, with the penalty
};

// The row with its penalty takes the place of the list, which is made from it in place.
void RowSampler::penalise(Value logits, Value seen, Value penalty) {
  Value factor = splat(penalty);
  b.forVectors(n, [&](Value column, Value mask) {
    Value x = b.loadOr0(b.offset(logits, column, 4), b.f32(lanes), mask);
    Value bits = b.load(b.offset(seen, b.div(column, 8), 1), lanes == 16 ? b.i16() : b.i8(), 1);
    Value penalised = b.select(b.lessf(b.zero(x.getType()), x), b.divf(x, factor), b.mulf(x, factor));
    b.store(b.select(b.maskOf(bits), penalised, x), b.offset(values, column, 4));
  });
}

// Four at a time: one after the other, each maximum would wait for the one before. A NaN is passed over.
Value RowSampler::findLargest() {
  constexpr int64_t chains = 4;
  Value canonical = b.zero(b.f32(lanes)); // -0 + 0 is 0
  int64_t wholeGroups = n / perGroup;
  auto store = [&](Value largest, Value group) {
    b.store(b.addf(largest, canonical), b.offset(groups, group, lanes * 4));
  };
  Value largest = below();
  if (wholeGroups > 0)
    largest = b.loop(b.constant(0), b.constant(wholeGroups), 1, {largest},
                     [&](Value group, llvm::ArrayRef<Value> carried) -> Values {
                       Value base = b.offset(source, group, perGroup * 4);
                       Values each =
                           b.loop(b.constant(0), b.constant(perGroup), chains * lanes, Values(chains, below()),
                                  [&](Value column, llvm::ArrayRef<Value> best) {
                                    Values next;
                                    for (int64_t i = 0; i < chains; ++i)
                                      next.push_back(b.maxf(vectorAt(base, b.add(column, i * lanes)), best[i]));
                                    return next;
                                  });
                       Value all = b.maxf(b.maxf(each[0], each[1]), b.maxf(each[2], each[3]));
                       store(all, group);
                       return {b.maxf(all, carried[0])};
                     })[0];
  if (wholeGroups < groupCount()) {
    Value rest = b.loop(b.constant(wholeGroups * perGroup), b.constant(n), lanes, {below()},
                        [&](Value column, llvm::ArrayRef<Value> best) -> Values {
                          Value inside = b.tailMask(b.sub(b.constant(n), column), lanes);
                          Value x = b.loadOr0(b.offset(source, column, 4), b.f32(lanes), inside);
                          return {b.maxf(b.select(inside, x, below()), best[0])};
                        })[0];
    store(rest, b.constant(wholeGroups));
    largest = b.maxf(rest, largest);
  }
  return b.reduceMax(largest);
}

// i64, -1 where there is none. Where nothing is above -infinity, a group may have nothing but NaN: all of the row is
// looked at.
Value RowSampler::firstColumnOf(Value largest) {
  Value wanted = splat(largest);
  Value start = b.when(
      b.lessf(b.real(-INFINITY), largest),
      [&]() -> Values {
        Value found = b.repeat({b.constant(-1)}, [&](llvm::ArrayRef<Value> group) -> std::pair<Value, Values> {
          Value next = b.add(group[0], 1);
          Value has = b.atLeastf(b.load(b.offset(groups, next, lanes * 4), b.f32(lanes)), wanted);
          return {b.equal(b.maskBits(has), b.constant(0)), {next}};
        })[0];
        return {b.mul(found, perGroup)};
      },
      [&]() -> Values { return {b.constant(0)}; })[0];
  Value size = b.constant(n);
  Values end = b.repeat({b.sub(start, b.constant(lanes)), b.constant(0)},
                        [&](llvm::ArrayRef<Value> last) -> std::pair<Value, Values> {
                          Value column = b.add(last[0], lanes);
                          Value inside = b.tailMask(b.sub(size, column), lanes);
                          Value x = b.loadOr0(b.offset(source, column, 4), b.f32(lanes), inside);
                          Value bits = b.maskBits(b.bitAnd(b.atLeastf(x, wanted), inside));
                          Value more = b.bitAnd(b.equal(bits, b.constant(0)), b.less(b.add(column, lanes), size));
                          return {more, {column, bits}};
                        });
  return b.when(
      b.equal(end[1], b.constant(0)), [&]() -> Values { return {b.constant(-1)}; },
      [&]() -> Values { return {b.add(end[0], b.lowestBit(end[1]))}; })[0];
}

// Puts the masked ones of these values and ids behind the `kept` ones of the list; how many it has then. The list may
// be what they come from: vectors are written whole, but not past where these were read.
Value RowSampler::append(Value kept, Value mask, Value x, Value tokens) {
  Value bits = b.maskBits(mask);
  return b.when(
      b.equal(bits, b.constant(0)), [&]() -> Values { return {kept}; },
      [&]() -> Values {
        b.store(b.compress(x, mask), b.offset(values, kept, 4));
        b.store(b.compress(tokens, mask), b.offset(ids, kept, 4));
        return {b.add(kept, b.countBits(bits))};
      })[0];
}

void RowSampler::endList(Value count) { b.store(below(), b.offset(values, count, 4)); }

// Lists the tokens of the row whose logit is at least this.
Value RowSampler::listLogits(Value least) {
  Value bound = splat(least);
  auto visit = [&](Value column, Value mask, Value kept) {
    Value x = b.loadOr0(b.offset(source, column, 4), b.f32(lanes), mask);
    Value tokens = b.add(b.iota(lanes), splat(b.truncate(column, b.i32())));
    return append(kept, b.bitAnd(b.atLeastf(x, bound), mask), x, tokens);
  };
  int64_t full = n / lanes * lanes;
  Value kept = b.constant(0);
  if (full > 0)
    kept =
        b.loop(b.constant(0), b.constant(full), lanes, {kept}, [&](Value column, llvm::ArrayRef<Value> kept) -> Values {
          return {visit(column, b.tailMask(b.constant(lanes), lanes), kept[0])};
        })[0];
  if (full < n)
    kept = visit(b.constant(full), b.tailMask(b.constant(n - full), lanes), kept);
  endList(kept);
  return kept;
}

// Keeps what the predicate holds for of the list's `count`; how many that are.
Value RowSampler::keep(Value count, Predicate predicate) {
  Value kept =
      b.loop(b.constant(0), count, lanes, {b.constant(0)}, [&](Value first, llvm::ArrayRef<Value> kept) -> Values {
        Value x = vectorAt(values, first), id = b.load(b.offset(ids, first, 4), b.i32(lanes));
        Value mask = b.bitAnd(predicate(x, id), b.tailMask(b.sub(count, first), lanes));
        return {append(kept[0], mask, x, id)};
      })[0];
  endList(kept);
  return kept;
}

// Of a list that ends with values below all.
Value RowSampler::countAtLeast(Value list, Value count, Value least) {
  Value bound = splat(least), none = b.zero(b.i32(lanes));
  Value counts = b.loop(b.constant(0), count, lanes, {none}, [&](Value i, llvm::ArrayRef<Value> counts) -> Values {
    Value reaches = b.atLeastf(vectorAt(list, i), bound);
    return {b.add(counts[0], b.zeroExtend(reaches, b.i32(lanes)))};
  })[0];
  return b.toI64(b.reduceAdd(counts));
}

// An i64 that orders as the floats do; and back.
Value RowSampler::keyOf(Value value) {
  Value bits = b.bitcast(value, b.i32());
  return b.toI64(b.bitXor(bits, b.shiftRight(b.shiftRightSigned(bits, 31), 1)));
}

Value RowSampler::valueOf(Value key) {
  Value bits = b.truncate(key, b.i32());
  return b.bitcast(b.bitXor(bits, b.shiftRight(b.shiftRightSigned(bits, 31), 1)), b.f32());
}

// A value that `rank` of the list are at least: the rank-th largest itself, unless no fewer and no more than `rank`
// are. None is above `largest`, and `rank` are at least `lowest`. By bisection of the floats between them.
Value RowSampler::findRank(Value list, Value count, Value rank, Value lowest, Value largest) {
  Value found =
      b.repeat({keyOf(lowest), b.add(keyOf(largest), 1)}, [&](llvm::ArrayRef<Value> range) -> std::pair<Value, Values> {
        Value middle = b.shiftRightSigned(b.add(range[0], range[1]), 1);
        Value reach = countAtLeast(list, count, valueOf(middle));
        Value enough = b.less(b.add(rank, -1), reach);
        Value low = b.select(enough, middle, range[0]);
        Value high = b.select(b.equal(reach, rank), b.add(middle, 1), b.select(enough, range[1], middle));
        return {b.less(b.add(low, 1), high), {low, high}};
      })[0];
  return valueOf(found);
}

// Of equals at the end the lowest ids stay, which come first in the list.
Value RowSampler::keepTopK(Value count, Value k, Value lowest, Value largest) {
  Value least = findRank(values, count, k, lowest, largest);
  Value bound = splat(least);
  Value surplus = b.sub(countAtLeast(values, count, least), k);
  // The last `surplus` equals are left out: the id of the first of these.
  Value end = b.when(
      b.less(b.constant(0), surplus),
      [&]() -> Values {
        Value last = b.repeat({count, surplus}, [&](llvm::ArrayRef<Value> state) -> std::pair<Value, Values> {
          Value at = b.add(state[0], -1);
          Value value = b.load(b.offset(values, at, 4), b.f32());
          Value equal = b.bitAnd(b.atLeastf(value, least), b.atLeastf(least, value));
          Value left = b.sub(state[1], b.zeroExtend(equal, b.i64()));
          return {b.less(b.constant(0), left), {at, left}};
        })[0];
        return {b.load(b.offset(ids, last, 4), b.i32())};
      },
      [&]() -> Values { return {b.constant(0x7fffffff, b.i32())}; })[0];
  Value before = splat(end);
  return keep(count, [&](Value value, Value id) {
    return b.bitOr(b.lessf(bound, value), b.bitAnd(b.atLeastf(value, bound), b.less(id, before)));
  });
}

Value RowSampler::scores(Value values, Value largest, Value inverse) {
  return b.mulf(b.subf(values, splat(largest)), splat(inverse));
}

// The weights of the list.
Value RowSampler::mass(Value count, Value largest, Value inverse) {
  Value sums =
      b.loop(b.constant(0), count, lanes, {b.zero(b.f32(lanes))}, [&](Value i, llvm::ArrayRef<Value> sums) -> Values {
        return {b.addf(sums[0], expf(b, scores(vectorAt(values, i), largest, inverse)))};
      })[0];
  return b.reduceAdd(sums);
}

// The upper 32 bits of the hash.
Value RowSampler::noiseBits(Value ids, Value key) {
  mlir::Type wide = b.i64(lanes);
  Value z = b.add(b.mul(b.zeroExtend(ids, wide), int64_t(splitMix64Step)), splat(key));
  z = b.mul(b.bitXor(z, b.shiftRight(z, 30)), int64_t(0xbf58476d1ce4e5b9));
  z = b.mul(b.bitXor(z, b.shiftRight(z, 27)), int64_t(0x94d049bb133111eb));
  z = b.bitXor(z, b.shiftRight(z, 31));
  return b.truncate(b.shiftRight(z, 32), b.i32(lanes));
}

// -log(E), E = -log1p(-y), y = (h + 0.5) / 2^32 of these bits h. Above one half 1 - y is computed from the complement
// of h, as exactly as y is below; then both logarithms keep their small values.
Value RowSampler::noise(Value h) {
  Value upper = b.shiftRightSigned(h, 31); // all ones where h is in the upper half
  Value y = b.mulf(b.addf(b.intToFloat(b.bitXor(h, upper)), b.real(0.5, lanes)), b.real(0x1p-32, lanes));
  Value isUpper = b.notEqual(upper, b.zero(upper.getType()));
  LogParts parts = splitLog(b, b.select(isUpper, y, b.subf(b.real(1, lanes), y)));
  // 1 - y has lost the low bits of a small y.
  Value exact = b.bitAnd(b.equal(upper, b.zero(upper.getType())), b.atLeastf(parts.exponent, b.real(0, lanes)));
  parts.fraction = b.select(exact, b.negf(y), parts.fraction);
  return b.negf(logOf(b, splitLog(b, b.negf(logOf(b, parts)))));
}

// False only where score - log(E) is below `best`: E is above y, so that takes y below 2^t, t = (score - best) log2 e.
// That is not above the float whose bits are those of t + 127 as a fixed point number, a line through the powers of
// two. All but a few of a row's tokens end here, without a logarithm.
Value RowSampler::canBeat(Value best, Value score, Value h) {
  Value t = b.mulf(b.subf(score, best), b.real(1.4426950408889634, lanes));
  t = b.maxf(b.minf(t, b.real(1, lanes)), b.real(-126, lanes));
  constexpr double slack = 1e-4; // of t, of which the fixed point number keeps 16 bits
  Value bound =
      b.bitcast(b.floatToInt(b.mulf(b.addf(t, b.real(127 + slack, lanes)), b.real(0x1p23, lanes))), b.f32(lanes));
  return b.lessf(b.mulf(b.intToFloat(b.shiftRight(h, 8)), b.real(0x1p-24, lanes)), bound);
}

// The place in the list of the winner: the largest score, the lowest id of equals.
Value RowSampler::race(Value count, Value largest, Value inverse, Value minP, Value key) {
  Value atLeast = splat(b.select(b.lessf(b.real(0), minP), logOf(b, splitLog(b, minP)), b.real(-INFINITY)));
  Value reach = b.real(largestNoise, lanes);
  Values best = b.loop(b.constant(0), count, lanes, {below(), b.zero(b.i32(lanes))},
                       [&](Value i, llvm::ArrayRef<Value> best) -> Values {
                         Value score = scores(vectorAt(values, i), largest, inverse);
                         Value runs = b.bitAnd(b.atLeastf(score, atLeast), b.lessf(best[0], b.addf(score, reach)));
                         return b.when(
                             anyLane(runs),
                             [&]() -> Values {
                               Value bits = noiseBits(b.load(b.offset(ids, i, 4), b.i32(lanes)), key);
                               Value enters = b.bitAnd(runs, canBeat(best[0], score, bits));
                               return b.when(
                                   anyLane(enters),
                                   [&]() -> Values {
                                     Value own = b.addf(score, noise(bits));
                                     Value better = b.bitAnd(enters, b.lessf(best[0], own));
                                     Value place = b.add(b.iota(lanes), splat(b.truncate(i, b.i32())));
                                     return {b.select(better, own, best[0]), b.select(better, place, best[1])};
                                   },
                                   [&]() -> Values { return {best[0], best[1]}; });
                             },
                             [&]() -> Values { return {best[0], best[1]}; });
                       });
  Value won = b.atLeastf(best[0], splat(b.reduceMax(best[0])));
  return b.toI64(b.reduceMin(b.select(won, best[1], b.constant(0x7fffffff, b.i32(lanes)))));
}

Value RowSampler::draw(Value largest, Value temperature, Value row) {
  auto field = [&](size_t offset, mlir::Type type) { return b.load(b.offset(row, int64_t(offset)), type); };
  Value topK = b.zeroExtend(field(offsetof(RowSampling, topK), b.i32()), b.i64());
  Value topP = field(offsetof(RowSampling, topP), b.f32());
  Value minP = field(offsetof(RowSampling, minP), b.f32());
  Value key = field(offsetof(RowSampling, key), b.i64());
  Value inverse = b.divf(b.real(1), temperature);

  Value least = b.subf(largest, b.mulf(temperature, b.real(negligible)));
  Value inGroups = b.constant(groupCount() * lanes);
  Value byRank = b.when(
      b.bitAnd(b.less(b.constant(0), topK), b.less(topK, inGroups)),
      [&]() -> Values { return {findRank(groups, inGroups, topK, b.real(-INFINITY), largest)}; },
      [&]() -> Values { return {b.real(-INFINITY)}; })[0];
  least = b.maxf(least, byRank);
  Value count = listLogits(least);
  count = b.when(
      b.bitAnd(b.less(b.constant(0), topK), b.less(topK, count)),
      [&]() -> Values { return {keepTopK(count, topK, least, largest)}; }, [&]() -> Values { return {count}; })[0];

  Value nucleus = b.lessf(topP, b.real(1));
  Value limit = b.when(
      nucleus, [&]() -> Values { return {b.mulf(mass(count, largest, inverse), topP)}; },
      [&]() -> Values { return {b.real(INFINITY)}; })[0];
  return b.repeat({count, b.zero(b.i32())}, [&](llvm::ArrayRef<Value> state) -> std::pair<Value, Values> {
    Value winner = race(state[0], largest, inverse, minP, key);
    Value value = splat(b.load(b.offset(values, winner, 4), b.f32()));
    Value token = b.load(b.offset(ids, winner, 4), b.i32());
    Values before = b.when(
        nucleus,
        [&]() -> Values {
          Value id = splat(token);
          Value kept = keep(state[0], [&](Value other, Value otherId) {
            return b.bitOr(b.lessf(value, other), b.bitAnd(b.atLeastf(other, value), b.less(otherId, id)));
          });
          return {kept, mass(kept, largest, inverse)};
        },
        [&]() -> Values { return {state[0], b.real(0)}; });
    return {b.atLeastf(before[1], limit), {before[0], token}};
  })[1];
}

Value RowSampler::sample(Value logits, Value row, Value seen) {
  Value temperature = b.load(b.offset(row, offsetof(RowSampling, temperature)), b.f32());
  Value penalty = b.load(b.offset(row, offsetof(RowSampling, repetitionPenalty)), b.f32());
  Value off = b.bitAnd(b.atLeastf(penalty, b.real(1)), b.atLeastf(b.real(1), penalty));
  source = b.when(
      off, [&]() -> Values { return {logits}; },
      [&]() -> Values {
        penalise(logits, seen, penalty);
        return {values};
      })[0];
  Value largest = findLargest();
  Value greedy = b.bitOr(b.atLeastf(b.real(0), temperature), b.atLeastf(b.absf(largest), b.real(INFINITY)));
  return b.when(
      greedy, [&]() -> Values { return {b.truncate(firstColumnOf(largest), b.i32())}; },
      [&]() -> Values { return {draw(largest, temperature, row)}; })[0];
}

} // namespace

Expected<> generateSample(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t n = params.integer("n"), rowsDim = params.integer("rows_dim");
  params.require(n <= 1 << 24, "expected n to be at most 2^24: each worker has a list of so many tokens");
  if (auto read = params.finish(); !read)
    return read;

  Value logits = b.buffer("logits"), sampling = b.buffer("sampling"), seen = b.buffer("seen"), out = b.buffer("out");
  auto [first, last] = b.workerRange(b.rows(rowsDim));
  RowSampler sampler(b, n);
  b.loop(first, last, 1, [&](Value row) {
    Value token = sampler.sample(b.offset(logits, row, n * 4), b.offset(sampling, row, sizeof(RowSampling)),
                                 b.offset(seen, row, int64_t(seenWords(uint64_t(n))) * 4));
    b.store(token, b.offset(out, row, 4));
  });
  return {};
}

} // namespace quipu::cpu
