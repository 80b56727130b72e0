#include "compiler/Pipeline/PhasePasses.h"

#include "compiler/Conversion/LMToKernel/Passes.h"
#include "compiler/Dialect/Kernel/Transforms/Passes.h"

#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace quipu {
namespace {

// Pages of the KV cache, in positions: the vector code of the attention kernels takes them 16 at a time.
constexpr int64_t pageSize = 16;

void addSpecialisation(OpPassManager &func, const PhaseOptions &options) {
  auto addOptional = [&](std::string_view name, auto create) {
    if (!options.disabled.count(name))
      func.addPass(create());
  };
  lm::QuantizeWeightsOptions quantize;
  quantize.storage = options.storage;
  quantize.storageOf.assign(options.storageOf.begin(), options.storageOf.end());
  func.addPass(lm::createQuantizeWeights(quantize));
  // Joined first: the fusions after it look for one reader of a norm, and for gate and up in one matmul.
  addOptional("join-projections", [] { return lm::createJoinProjections(); });
  addOptional("fuse-gated-activation", [] { return lm::createFuseGatedActivation(); });
  addOptional("fuse-matmul-activation", [] { return lm::createFuseMatmulActivation(); });
  addOptional("fuse-scale", [] { return lm::createFuseScale(); });
  addOptional("fuse-norm-residual", [] { return lm::createFuseNormResidual(); });
  addOptional("fuse-matmul-residual", [] { return lm::createFuseMatmulResidual(); });
  addOptional("fuse-norm-matmul", [] { return lm::createFuseNormMatmul(); });
  func.addPass(lm::createInsertKvCache({options.kvStorage}));
  addOptional("fuse-rope-kv-append", [] { return lm::createFuseRopeKvAppend(); });
  func.addPass(lm::createPageKvCache({pageSize}));
  func.addPass(lm::createRemoveDeadWeights());
}

void addKernels(OpPassManager &module, const PhaseOptions &options) {
  ConvertLMToKernelOptions conversion;
  conversion.targets.assign(options.targets.begin(), options.targets.end());
  conversion.maxTokens = options.maxBatchTokens;
  conversion.maxSequences = options.maxSequences;
  conversion.maxContext = options.maxContext;
  module.addPass(createConvertLMToKernel(conversion));
  module.nest<kernel::ProgramOp>().addPass(kernel::createPlanBuffers());
}

// The options of the named pipelines, as flags of quipu-opt.
struct PipelineFlags : PassPipelineOptions<PipelineFlags> {
  Option<std::string> storage{*this, "storage", llvm::cl::desc("storage format of matrices"), llvm::cl::init("bf16")};
  ListOption<std::string> storageOf{*this, "storage-of", llvm::cl::desc("PATTERN=FORMAT, by the names of matrices")};
  Option<std::string> kvStorage{*this, "kv-storage", llvm::cl::desc("element type of the KV cache"),
                                llvm::cl::init("bf16")};
  ListOption<std::string> targets{*this, "targets", llvm::cl::desc("targets, such as cpu:x86-64-v3")};
  Option<int64_t> maxContext{*this, "max-context", llvm::cl::desc("most positions of a sequence"),
                             llvm::cl::init(4096)};
  Option<int64_t> maxSequences{*this, "max-sequences", llvm::cl::desc("most sequences of a step"), llvm::cl::init(8)};
  Option<int64_t> maxBatchTokens{*this, "max-batch-tokens", llvm::cl::desc("most tokens of a step"),
                                 llvm::cl::init(512)};
  ListOption<std::string> disabled{*this, "disable-pass", llvm::cl::desc("optional passes to leave out")};

  PhaseOptions get() const {
    PhaseOptions options;
    options.storage = storage;
    options.storageOf.assign(storageOf.begin(), storageOf.end());
    options.kvStorage = kvStorage;
    options.targets.assign(targets.begin(), targets.end());
    options.maxContext = maxContext;
    options.maxSequences = maxSequences;
    options.maxBatchTokens = maxBatchTokens;
    options.disabled.insert(disabled.begin(), disabled.end());
    return options;
  }
};

} // namespace

void addPhaseVerifier(Phase phase, OpPassManager &module) {
  switch (phase) {
  case Phase::Definition:
    module.nest<lm::FuncOp>().addPass(lm::createVerifyPlainForm());
    break;
  case Phase::Specialised:
    module.nest<lm::FuncOp>().addPass(lm::createVerifyCachedForm());
    break;
  case Phase::Kernels:
    module.nest<kernel::ProgramOp>().addPass(kernel::createVerifyPlan());
    break;
  case Phase::Code:
  case Phase::Artifact:
    break;
  }
}

void addPhasePasses(Phase phase, OpPassManager &module, const PhaseOptions &options) {
  if (phase == Phase::Specialised)
    addSpecialisation(module.nest<lm::FuncOp>(), options);
  else if (phase == Phase::Kernels)
    addKernels(module, options);
  addPhaseVerifier(phase, module);
}

void registerPhasePipelines() {
  static PassPipelineRegistration<PipelineFlags> specialise(
      "quipu-specialise", "the phase `specialised`: plain form of lm to its fused, cached form",
      [](OpPassManager &module, const PipelineFlags &flags) {
        addPhasePasses(Phase::Specialised, module, flags.get());
      });
  static PassPipelineRegistration<PipelineFlags> toKernels(
      "quipu-to-kernels", "the phases `specialised` and `kernels`: plain form of lm to planned kernel programs",
      [](OpPassManager &module, const PipelineFlags &flags) {
        addPhasePasses(Phase::Specialised, module, flags.get());
        addPhasePasses(Phase::Kernels, module, flags.get());
      });
}

} // namespace quipu
