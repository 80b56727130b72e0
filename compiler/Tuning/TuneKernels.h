// --tune: the kernels of planned programs, chosen by measuring on this machine.
#pragma once

#include "compiler/Api/CompilerApi.h"

#include "mlir/IR/BuiltinOps.h"

namespace quipu {

// Gives every variant of a launch the fastest of its kernels and their alternatives (KernelChoice::alternatives), and
// reports each choice. Launches of equal kernels are one choice. Nothing is placed anew: alternatives use the buffers
// there are. Findings are kept in the cache folder. Errors: a target that this machine cannot measure.
Expected<std::vector<TuningReport>> tuneKernels(mlir::ModuleOp module, const CompileRequest &request);

} // namespace quipu
