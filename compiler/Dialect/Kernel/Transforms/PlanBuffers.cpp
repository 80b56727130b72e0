#include "compiler/Dialect/Kernel/Transforms/Liveness.h"
#include "compiler/Dialect/Kernel/Transforms/Passes.h"

#include "mlir/IR/Builders.h"

namespace quipu::kernel {

#define GEN_PASS_DEF_PLANBUFFERS
#include "compiler/Dialect/Kernel/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

struct Placed {
  const LiveActivation *activation;
  uint64_t offset;

  uint64_t end() const { return offset + activation->bytes; }
};

// The lowest offset where `activation` shares no byte with a placed one that is alive at the same time. `placed` is
// sorted by offset.
uint64_t firstFit(const std::vector<Placed> &placed, const LiveActivation &activation) {
  uint64_t offset = 0;
  for (const Placed &other : placed) {
    if (!other.activation->overlapsInTime(activation))
      continue;
    if (offset + activation.bytes <= other.offset)
      break;
    offset = std::max(offset, other.end());
  }
  return offset;
}

uint64_t mostBytesAlive(const std::vector<LiveActivation> &live) {
  uint64_t most = 0;
  for (const LiveActivation &at : live) {
    uint64_t bytes = 0;
    for (const LiveActivation &other : live)
      if (other.first <= at.first && at.first <= other.last)
        bytes += other.bytes;
    most = std::max(most, bytes);
  }
  return most;
}

struct Plan {
  std::vector<Placed> placed; // by offset
  uint64_t arena = 0;
};

// Places in the given order, each at its first fit.
Plan planInOrder(const std::vector<const LiveActivation *> &order) {
  Plan plan;
  for (const LiveActivation *activation : order) {
    Placed place{activation, firstFit(plan.placed, *activation)};
    plan.arena = std::max(plan.arena, place.end());
    auto behind = [](const Placed &a, const Placed &b) { return a.offset < b.offset; };
    plan.placed.insert(llvm::upper_bound(plan.placed, place, behind), place);
  }
  return plan;
}

// No single order is the best for all models: the smaller of two plans, largest first and largest bytes times launches
// first. Ties keep the order of declaration, so that a plan is the same every time.
Plan planActivations(const std::vector<LiveActivation> &live) {
  std::vector<const LiveActivation *> order;
  for (const LiveActivation &activation : live)
    order.push_back(&activation);
  auto planBy = [&](auto weight) {
    llvm::sort(order, [&](auto *a, auto *b) { return weight(*a) != weight(*b) ? weight(*a) > weight(*b) : a < b; });
    return planInOrder(order);
  };
  Plan bySize = planBy([](const LiveActivation &a) { return a.bytes; });
  Plan byArea = planBy([](const LiveActivation &a) { return a.bytes * (a.last - a.first + 1); });
  return byArea.arena < bySize.arena ? byArea : bySize;
}

class PlanBuffers : public impl::PlanBuffersBase<PlanBuffers> {
public:
  void runOnOperation() override {
    ProgramOp program = getOperation();
    for (auto buffer : llvm::make_early_inc_range(program.getOps<BufferOp>()))
      if (buffer.getRole() == Role::Activation && buffer->use_empty())
        buffer.erase();

    std::vector<LiveActivation> live = findLiveActivations(program);
    Plan plan = planActivations(live);
    Builder builder(&getContext());
    for (const Placed &place : plan.placed) {
      BufferOp(place.activation->buffer).setOffsetAttr(builder.getI64IntegerAttr(place.offset));
      activationBytes += place.activation->bytes;
    }
    program.setArenaBytesAttr(builder.getI64IntegerAttr(plan.arena));
    arenaBytes += plan.arena;
    liveBytes += mostBytesAlive(live);
  }
};

} // namespace
} // namespace quipu::kernel
