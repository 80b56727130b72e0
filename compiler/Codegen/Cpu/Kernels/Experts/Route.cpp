// route: the experts of each token and their weights. A worker does whole rows. Experts are few (some hundreds at
// most), so the scores of a row lie in scratch and the largest is looked for once for each expert chosen.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/VectorMath.h"
#include "runtime/Support/Rounding.h"

#include <cmath>

namespace quipu::cpu {
namespace {

class Router {
public:
  Router(ParamReader &params, KernelBuilder &b)
      : b(b), experts(params.integer("experts")), chosen(params.integer("chosen")), groups(params.integer("groups")),
        keptGroups(params.integer("kept_groups")), sigmoid(params.text("score") == "sigmoid"),
        normalize(params.flag("normalize")), bias(params.flag("bias")),
        scale(params.has("scale") ? params.real("scale") : 1) {
    params.require(chosen <= experts, "expected chosen to be at most experts");
    params.require(experts % groups == 0 && (groups == 1 || experts / groups >= 2),
                   "expected groups of two experts or more that divide experts");
    params.require(keptGroups <= groups && keptGroups * (experts / groups) >= chosen,
                   "expected kept_groups that leave enough experts to choose");
  }

  void emit();

private:
  // f32 [size], -infinity up to whole vectors behind them.
  struct List {
    Value address;
    int64_t size;
  };
  List list(int64_t size) { return {b.scratch(roundUp(size, b.lanes()) * 4), size}; }
  Value below() { return b.real(-INFINITY, b.lanes()); }
  Value load(const List &list, Value column) { return b.load(b.offset(list.address, column, 4), b.f32(b.lanes())); }
  Value at(const List &list, Value index) { return b.load(b.offset(list.address, index, 4), b.f32()); }
  void set(const List &list, Value index, Value scalar) { b.store(scalar, b.offset(list.address, index, 4)); }

  Value largestOf(const List &list);
  // The place of the largest, the first of equals, which it takes out of the list.
  Value takeLargest(const List &list);
  void score(Value logits);
  void scoreBySoftmax(Value logits);
  void keepBestGroups();
  void choose(Value ids, Value weights);

  KernelBuilder &b;
  int64_t experts, chosen, groups, keptGroups;
  bool sigmoid, normalize, bias;
  double scale;
  List scores, forChoice, ofGroups, kept; // kept: 1 for a group that is, else 0
};

Value Router::largestOf(const List &list) {
  Value largest = b.loop(b.constant(0), b.constant(list.size), b.lanes(), {below()},
                         [&](Value column, llvm::ArrayRef<Value> best) -> Values {
                           return {b.maxf(load(list, column), best[0])}; // passes over NaN
                         })[0];
  return b.reduceMax(largest);
}

Value Router::takeLargest(const List &list) {
  Value largest = b.broadcast(largestOf(list), b.lanes());
  // Where nothing is a number it is the last one: a place that is there.
  Value last = b.constant(list.size - 1, b.i32(b.lanes()));
  auto first = [&](Value column, llvm::ArrayRef<Value> best) -> Values {
    Value place = b.add(b.iota(b.lanes()), b.broadcast(b.truncate(column, b.i32()), b.lanes()));
    return {b.smaller(best[0], b.select(b.atLeastf(load(list, column), largest), place, last))};
  };
  Value places = b.loop(b.constant(0), b.constant(list.size), b.lanes(), {last}, first)[0];
  Value place = b.toI64(b.reduceMin(places));
  set(list, place, b.real(-INFINITY));
  return place;
}

void Router::scoreBySoftmax(Value logits) {
  auto vectorAt = [&](Value column) {
    Value mask = b.tailMask(b.sub(b.constant(experts), column), b.lanes());
    return b.select(mask, b.loadOr0(b.offset(logits, column, 4), b.f32(b.lanes()), mask), below());
  };
  b.loop(b.constant(0), b.constant(experts), b.lanes(),
         [&](Value column) { b.store(vectorAt(column), b.offset(scores.address, column, 4)); });
  Value largest = b.broadcast(largestOf(scores), b.lanes());
  Value sums = b.loop(b.constant(0), b.constant(experts), b.lanes(), {b.real(0, b.lanes())},
                      [&](Value column, llvm::ArrayRef<Value> sum) -> Values {
                        Value mask = b.tailMask(b.sub(b.constant(experts), column), b.lanes());
                        Value e = expf(b, b.subf(load(scores, column), largest));
                        e = b.select(mask, e, b.real(0, b.lanes()));
                        b.store(e, b.offset(scores.address, column, 4));
                        return {b.addf(sum[0], e)};
                      })[0];
  Value inverse = b.broadcast(b.divf(b.real(1), b.reduceAdd(sums)), b.lanes());
  b.loop(b.constant(0), b.constant(experts), b.lanes(),
         [&](Value column) { b.store(b.mulf(load(scores, column), inverse), b.offset(scores.address, column, 4)); });
}

// The scores, and with the bias those that the choice goes by.
void Router::score(Value logits) {
  if (!sigmoid)
    scoreBySoftmax(logits);
  Value ofExperts = bias ? b.buffer("bias") : Value();
  b.forVectors(experts, [&](Value column, Value mask) {
    if (sigmoid) {
      Value x = b.loadOr0(b.offset(logits, column, 4), b.f32(b.lanes()), mask);
      b.store(sigmoidf(b, x), b.offset(scores.address, column, 4));
    }
    Value y = load(scores, column);
    if (bias)
      y = b.addf(y, b.loadOr0(b.offset(ofExperts, column, 4), b.f32(b.lanes()), mask));
    b.store(b.select(mask, y, below()), b.offset(forChoice.address, column, 4));
  });
}

// Of each group the sum of its two largest; experts of groups that are not among the best cannot be chosen.
void Router::keepBestGroups() {
  int64_t size = experts / groups;
  b.forVectors(groups, [&](Value column, Value) {
    b.store(below(), b.offset(ofGroups.address, column, 4));
    b.store(b.real(0, b.lanes()), b.offset(kept.address, column, 4));
  });
  b.loop(b.constant(0), b.constant(groups), 1, [&](Value group) {
    Values none = {b.real(-INFINITY), b.real(-INFINITY)}; // the largest, and the next
    auto next = [&](Value index, llvm::ArrayRef<Value> best) -> Values {
      Value x = at(forChoice, b.add(b.mul(group, size), index));
      return {b.maxf(x, best[0]), b.maxf(b.minf(x, best[0]), best[1])};
    };
    Values best = b.loop(b.constant(0), b.constant(size), 1, none, next);
    set(ofGroups, group, b.addf(best[0], best[1]));
  });
  b.loop(b.constant(0), b.constant(keptGroups), 1, [&](Value) { set(kept, takeLargest(ofGroups), b.real(1)); });
  b.loop(b.constant(0), b.constant(experts), 1, [&](Value expert) {
    Value isKept = b.lessf(b.real(0), at(kept, b.div(expert, size)));
    set(forChoice, expert, b.select(isKept, at(forChoice, expert), b.real(-INFINITY)));
  });
}

void Router::choose(Value ids, Value weights) {
  Value sum = b.loop(b.constant(0), b.constant(chosen), 1, {b.real(0)},
                     [&](Value index, llvm::ArrayRef<Value> carried) -> Values {
                       Value expert = takeLargest(forChoice), weight = at(scores, expert);
                       b.store(b.truncate(expert, b.i32()), b.offset(ids, index, 4));
                       b.store(weight, b.offset(weights, index, 4));
                       return {b.addf(carried[0], weight)};
                     })[0];
  if (!normalize && scale == 1)
    return;
  Value factor = normalize ? b.divf(b.real(scale), sum) : b.real(scale);
  b.loop(b.constant(0), b.constant(chosen), 1, [&](Value index) {
    Value place = b.offset(weights, index, 4);
    b.store(b.mulf(b.load(place, b.f32()), factor), place);
  });
}

void Router::emit() {
  scores = list(experts);
  forChoice = list(experts);
  ofGroups = list(groups);
  kept = list(groups);
  Value logits = b.buffer("logits"), ids = b.buffer("ids"), weights = b.buffer("weights");
  auto [first, last] = b.workerRange(b.dim(StepDim::Tokens));
  b.loop(first, last, 1, [&](Value token) {
    score(b.offset(logits, token, experts * 4));
    if (groups > 1)
      keepBestGroups();
    choose(b.offset(ids, token, chosen * 4), b.offset(weights, token, chosen * 4));
  });
}

} // namespace

Expected<> generateRoute(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  Router router(params, b);
  if (auto read = params.finish(); !read)
    return read;
  router.emit();
  return {};
}

} // namespace quipu::cpu
