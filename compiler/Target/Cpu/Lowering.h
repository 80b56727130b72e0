// From a kernel's MLIR to machine code in an object file.
#pragma once

#include "compiler/Target/Cpu/Chip.h"
#include "runtime/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
} // namespace llvm

namespace quipu::cpu {

enum class CodeForm { Object, Assembly };

// Lowers one module after another for one chip. Not for use from several threads at once.
class Lowering {
public:
  static Expected<Lowering> create(const Chip &chip);
  Lowering(Lowering &&) noexcept;
  ~Lowering();

  // vector, scf, arith and func to the LLVM dialect, in place.
  Expected<> toLlvmDialect(mlir::ModuleOp module);
  // A module in the LLVM dialect to optimised LLVM IR.
  Expected<std::unique_ptr<llvm::Module>> toLlvm(mlir::ModuleOp module, llvm::LLVMContext &context);
  Expected<std::string> toCode(llvm::Module &module, CodeForm form);

private:
  explicit Lowering(const Chip &chip);

  Chip chip;
  std::unique_ptr<llvm::TargetMachine> machine;
};

// The dialects kernels are built from and lowered through.
void registerKernelDialects(mlir::DialectRegistry &registry);

} // namespace quipu::cpu
