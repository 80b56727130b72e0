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

class PlanBuffers : public impl::PlanBuffersBase<PlanBuffers> {
public:
  void runOnOperation() override {
    ProgramOp program = getOperation();
    for (auto buffer : llvm::make_early_inc_range(program.getOps<BufferOp>()))
      if (buffer.getRole() == Role::Activation && buffer->use_empty())
        buffer.erase();

    std::vector<LiveActivation> live = findLiveActivations(program);
    std::vector<const LiveActivation *> bySize;
    for (const LiveActivation &activation : live)
      bySize.push_back(&activation);
    // Equal sizes in the order of declaration, so that a plan is the same every time.
    llvm::sort(bySize, [](auto *a, auto *b) { return a->bytes != b->bytes ? a->bytes > b->bytes : a < b; });

    std::vector<Placed> placed;
    uint64_t arena = 0;
    Builder builder(&getContext());
    for (const LiveActivation *activation : bySize) {
      Placed place{activation, firstFit(placed, *activation)};
      arena = std::max(arena, place.end());
      BufferOp(activation->buffer).setOffsetAttr(builder.getI64IntegerAttr(place.offset));
      placed.insert(llvm::upper_bound(placed, place, [](auto &a, auto &b) { return a.offset < b.offset; }), place);
      activationBytes += activation->bytes;
    }
    program.setArenaBytesAttr(builder.getI64IntegerAttr(arena));
    arenaBytes += arena;
    liveBytes += mostBytesAlive(live);
  }
};

} // namespace
} // namespace quipu::kernel
