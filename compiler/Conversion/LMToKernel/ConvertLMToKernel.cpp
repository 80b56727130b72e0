#include "compiler/Conversion/LMToKernel/OpLowerings.h"
#include "compiler/Conversion/LMToKernel/Passes.h"
#include "compiler/Target/Target.h"

namespace quipu {

#define GEN_PASS_DEF_CONVERTLMTOKERNEL
#include "compiler/Conversion/LMToKernel/Passes.h.inc"

using namespace mlir;

int64_t maxLogitRows(int64_t maxTokens, int64_t maxSequences, int64_t vocab) {
  constexpr int64_t logitBytes = 32 << 20;
  return std::max(maxSequences, std::min<int64_t>(maxTokens, logitBytes / (vocab * sizeof(float))));
}

namespace {

class ConvertLMToKernel : public impl::ConvertLMToKernelBase<ConvertLMToKernel> {
public:
  using ConvertLMToKernelBase::ConvertLMToKernelBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto functions = llvm::to_vector(module.getOps<lm::FuncOp>());
    if (functions.size() != 1 || targets.empty()) {
      module.emitError("expected one lm.func and at least one target, got ")
          << functions.size() << " and " << targets.size();
      return signalPassFailure();
    }
    OpLowerings lowerings;
    addAllLowerings(lowerings);
    for (const std::string &target : targets)
      if (failed(lowerFor(target, functions[0], lowerings)))
        return signalPassFailure();
    functions[0].erase();
  }

private:
  LogicalResult lowerFor(const std::string &name, lm::FuncOp func, const OpLowerings &lowerings) {
    Expected<std::unique_ptr<Target>> target = findTarget(name);
    if (!target)
      return func.emitError("no kernels for target '") << name << "': " << target.error().message;
    if (maxTokens < 1 || maxSequences < 1 || maxContext < 1)
      return func.emitError("expected max-tokens, max-sequences and max-context of at least 1");
    ArrayRef<Type> results = func.getResultTypes();
    if (results.empty() || !lm::isRowsType(results[0]))
      return func.emitError("expected logits as the first result");
    int64_t vocab = cast<RankedTensorType>(results[0]).getDimSize(1);
    ProgramLimits limits{maxTokens, maxSequences, maxLogitRows(maxTokens, maxSequences, vocab), maxContext};
    OpBuilder builder(func);
    ProgramBuilder program(builder, func.getLoc(), (*target)->name(), limits);
    return StepLowering(func, program, (*target)->choice(), limits).lower(lowerings);
  }
};

} // namespace
} // namespace quipu
