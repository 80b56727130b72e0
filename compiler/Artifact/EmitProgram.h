// From the kernel dialect to the artifact's program section, with what is still to be done for it: the kernels to
// compile and the weights to pack.
#pragma once

#include "compiler/Artifact/WeightRecipe.h"
#include "compiler/Codegen/KernelSpec.h"
#include "runtime/Artifact/Program_generated.h"
#include "runtime/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace quipu {

// One kernel.program. Kernels are those of the TargetProgram, in its order.
struct EmittedTarget {
  std::vector<KernelSpec> kernels;
};

struct EmittedProgram {
  // Complete but for: the compiler's version, the checkpoint's digest, what Model says of the checkpoint, the features
  // and code section of each target, and the scratch bytes of each kernel. The limits in Model are set.
  fb::ProgramT program;
  std::vector<EmittedTarget> targets; // as program.targets
  std::vector<WeightRecipe> weights;  // as program.weights
};

// The module holds one planned kernel.program a target. Weights, caches and tables that targets have in common are
// there once. Errors: programs whose limits differ, a parameter no kernel specification can hold.
Expected<EmittedProgram> emitProgram(mlir::ModuleOp module);

} // namespace quipu
