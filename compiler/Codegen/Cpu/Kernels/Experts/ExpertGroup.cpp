// expert_group: counts the rows of each expert and sorts the pairs by expert. One worker does it: it is a few
// instructions a pair.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/Kernels/Experts/ExpertGroups.h"

namespace quipu::cpu {
namespace {

class Grouping {
public:
  Grouping(KernelBuilder &b, int64_t experts, int64_t chosen)
      : b(b), experts(experts), groups(b, experts), ids(b.buffer("ids")), places(b.scratch(experts * 8)),
        pairs(b.mul(b.dim(StepDim::Tokens), chosen)) {}

  void emit() {
    count();
    list();
    b.loop(b.constant(0), pairs, 1, [&](Value pair) {
      Value row = add(placeOf(pair), 1);
      groups.setPair(row, pair);
    });
  }

private:
  // A number that is no expert's would be written out of bounds.
  Value placeOf(Value pair) {
    Value id = b.toI64(b.load(b.offset(ids, pair, 4), b.i32()));
    return b.offset(places, b.smaller(b.larger(id, b.constant(0)), b.constant(experts - 1)), 8);
  }
  // Adds to what is at the address; what was there.
  Value add(Value address, int64_t value) {
    Value before = b.load(address, b.i64(), 8);
    b.store(b.add(before, value), address, 8);
    return before;
  }

  // places[e]: rows of expert e.
  void count() {
    b.loop(b.constant(0), b.constant(experts), 1,
           [&](Value expert) { b.store(b.constant(0), b.offset(places, expert, 8), 8); });
    b.loop(b.constant(0), pairs, 1, [&](Value pair) { add(placeOf(pair), 1); });
  }

  // The active experts and their first rows; places[e] becomes the first row of expert e.
  void list() {
    Value none = b.constant(0);
    auto body = [&](Value expert, llvm::ArrayRef<Value> carried) -> Values {
      Value active = carried[0], row = carried[1], at = b.offset(places, expert, 8), rows = b.load(at, b.i64(), 8);
      // What an expert without rows writes the next one overwrites.
      groups.setExpert(active, expert);
      groups.setFirstRow(active, row);
      b.store(row, at, 8);
      return {b.add(active, b.zeroExtend(b.less(none, rows), b.i64())), b.add(row, rows)};
    };
    Values end = b.loop(none, b.constant(experts), 1, {none, none}, body);
    groups.setFirstRow(end[0], end[1]);
    groups.setActiveCount(end[0]);
  }

  KernelBuilder &b;
  int64_t experts;
  ExpertGroups groups;
  Value ids, places, pairs;
};

} // namespace

Expected<> generateExpertGroup(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t experts = params.integer("experts"), chosen = params.integer("chosen");
  if (auto read = params.finish(); !read)
    return read;
  Grouping grouping(b, experts, chosen);
  b.when(b.equal(b.worker(), b.constant(0)), [&] { grouping.emit(); });
  return {};
}

} // namespace quipu::cpu
