// Runs the passes of phases over a module, times them, and turns MLIR's diagnostics into error values.
#pragma once

#include "compiler/Pipeline/PhasePasses.h"
#include "runtime/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>

namespace quipu {

// Called after each pass with its name ("fuse-norm-matmul") and what it ran on, an lm.func, a kernel.program or the
// module. Evaluating the model here tells which pass changed a number.
using AfterPass = std::function<void(llvm::StringRef pass, mlir::Operation *op)>;
// Called with each warning of a pass, as one line.
using OnWarning = std::function<void(const std::string &)>;

class PhaseRunner {
public:
  PhaseRunner(mlir::MLIRContext &context, const PhaseOptions &options) : context(context), options(options) {}

  void onPass(AfterPass call) { afterPass.push_back(std::move(call)); }
  void onWarning(OnWarning call) { warn = std::move(call); }

  // The passes of a phase. Errors carry the first diagnostic.
  Expected<> run(Phase phase, mlir::ModuleOp module);
  // Text of a phase from a file, checked by the verifier of that phase.
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> read(Phase phase, const std::string &file);

  // Of all passes so far, in the order they ran.
  const std::vector<std::pair<std::string, double>> &passSeconds() const { return seconds; }

private:
  Expected<> runPasses(mlir::PassManager &manager, mlir::ModuleOp module);

  mlir::MLIRContext &context;
  PhaseOptions options;
  std::vector<AfterPass> afterPass;
  OnWarning warn = [](const std::string &) {};
  std::vector<std::pair<std::string, double>> seconds;
};

} // namespace quipu
