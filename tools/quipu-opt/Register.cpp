#include "tools/quipu-opt/Register.h"

#include "compiler/Conversion/LMToKernel/Passes.h"
#include "compiler/Dialect/Kernel/IR/Kernel.h"
#include "compiler/Dialect/Kernel/Transforms/Passes.h"
#include "compiler/Dialect/LM/IR/LMDialect.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"
#include "compiler/Pipeline/PhasePasses.h"

#include "mlir/Transforms/Passes.h"

void quipu::registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<quipu::kernel::KernelDialect, quipu::lm::LMDialect>();
}

void quipu::registerPasses() {
  mlir::registerCanonicalizer();
  mlir::registerCSE();
  registerLMToKernelPasses();
  kernel::registerKernelPasses();
  lm::registerLMPasses();
  registerPhasePipelines();
}
