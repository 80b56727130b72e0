#include "compiler/Dialect/Kernel/Transforms/KernelSizes.h"
#include "compiler/Dialect/Kernel/Transforms/Liveness.h"
#include "compiler/Dialect/Kernel/Transforms/Passes.h"

#include "llvm/ADT/SmallPtrSet.h"

namespace quipu::kernel {

#define GEN_PASS_DEF_VERIFYPLAN
#include "compiler/Dialect/Kernel/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

LogicalResult verifyOffsets(ProgramOp program) {
  for (auto buffer : program.getOps<BufferOp>())
    if (buffer.getRole() == Role::Activation && !buffer.getOffset())
      return buffer.emitError("expected an offset for every activation; kernel-plan-buffers places them");
  return success();
}

LogicalResult verifyNoOverlap(ProgramOp program) {
  std::vector<LiveActivation> live = findLiveActivations(program);
  for (size_t i = 0; i < live.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      BufferOp a = live[i].buffer, b = live[j].buffer;
      bool shareBytes =
          *a.getOffset() < *b.getOffset() + live[j].bytes && *b.getOffset() < *a.getOffset() + live[i].bytes;
      if (shareBytes && live[i].overlapsInTime(live[j]))
        return a.emitError("overlaps activation \"")
               << b.getName() << "\", which is alive at the same launch; kernel-plan-buffers keeps them apart";
    }
  }
  return success();
}

LogicalResult verifyKernelsUsed(ProgramOp program) {
  llvm::SmallPtrSet<StringAttr, 32> used;
  for (auto launch : program.getOps<LaunchOp>())
    for (auto variant : launch.getVariants().getAsRange<VariantAttr>())
      for (FlatSymbolRefAttr stage : variant.getStages())
        used.insert(stage.getAttr());
  for (auto kernel : program.getOps<DefOp>())
    if (!used.contains(kernel.getSymNameAttr()))
      return kernel.emitError("is no stage of any launch; convert-lm-to-kernel defines only what launches ask for");
  return success();
}

class VerifyPlan : public impl::VerifyPlanBase<VerifyPlan> {
public:
  void runOnOperation() override {
    if (failed(verifyOffsets(getOperation())) || failed(verifyNoOverlap(getOperation())) ||
        failed(verifyKernelsUsed(getOperation())) || failed(verifyKernelSizes(getOperation())))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace quipu::kernel
