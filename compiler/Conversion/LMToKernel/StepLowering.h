// Lowers the function of a step: its inputs and outputs become buffers, each op the launches that its file in Ops/ asks
// for.
#pragma once

#include "compiler/Conversion/LMToKernel/ProgramBuilder.h"
#include "compiler/Dialect/LM/IR/LMOps.h"

#include "llvm/ADT/StringSet.h"

namespace quipu {

class OpLowerings;

// Rows of an operand, as kernels have them.
RowsDim rowsOf(kernel::Dim dim);
int64_t featuresOf(mlir::Value rows);
// Element type of the buffer that a packed input lies in.
mlir::Type packedElement(const PackedForm &form, mlir::MLIRContext *context);

// What the lowering of one op works with: buffers of values, the target's choices, and the program it adds launches to.
class StepLowering {
public:
  StepLowering(lm::FuncOp func, ProgramBuilder &program, const KernelChoice &choice, const ProgramLimits &limits);

  // Adds the launches of the whole function. Errors are diagnostics at the op.
  mlir::LogicalResult lower(const OpLowerings &lowerings);

  const KernelChoice &kernels() const { return choice; }
  mlir::MLIRContext *context() { return func.getContext(); }

  // --- operands
  kernel::Dim dimOf(mlir::Value value) const { return dims.lookup(value); }
  // Null for an operand that the op lacks.
  mlir::Value bufferOf(mlir::Value value) const { return value ? buffers.lookup(value) : nullptr; }
  // An input of the step by its name: "slots".
  mlir::Value input(llvm::StringRef name) const { return inputs.lookup(name); }
  // f32, as the checkpoint has it: a gain or bias. Null stays null.
  mlir::FailureOr<mlir::Value> vectorWeight(mlir::Operation *user, mlir::Value weight);
  mlir::Value weight(const WeightSource &source, kernel::Layout layout) { return program.weight(source, layout); }
  // Whether a matmul reads this checkpoint tensor in plain panels.
  bool isPanelWeight(llvm::StringRef tensor) const { return panelWeights.contains(tensor); }
  mlir::Value ropeTable(lm::RopeAttr rope);
  mlir::Value kvCache(lm::KvCacheOp op);
  // From now on `value` lies in `buffer`: a cache, which ops pass on.
  void bind(mlir::Value value, mlir::Value buffer) { buffers[value] = buffer; }
  // The buffer a result is written to: an output where the function returns it, else an activation of this name.
  mlir::Value resultBuffer(mlir::Value result, llvm::StringRef name, kernel::Dim rows);
  bool isReturned(mlir::Value result) const { return returned.contains(result); }
  // What the stages of a launch pass on to each other.
  mlir::Value activation(llvm::StringRef name, mlir::Type element, kernel::Dim rows, int64_t columns,
                         int64_t extraRows = 0) {
    return program.buffer(kernel::Role::Activation, name, element, rows, columns, extraRows);
  }

  // --- names
  // "silu.12": for ops that read no weight.
  std::string indexedName(mlir::Operation *op, llvm::StringRef what) const;
  // Layer of the cache whose buffer this is, as a name: "layers.3".
  static std::string layerName(mlir::Value cacheBuffer);

  // --- launches
  // Operands by their names in the kernels' signature, which gives them their order; null or not named: absent.
  using Operands = std::initializer_list<std::pair<llvm::StringRef, mlir::Value>>;
  // A launch of one kernel for every size. Errors: operands that the signature does not have, or must have.
  mlir::LogicalResult launch(mlir::Operation *op, llvm::StringRef name, Operands operands, kernel::Dim dim,
                             KernelSpec kernel);
  mlir::LogicalResult launch(mlir::Operation *op, llvm::StringRef name, Operands operands, kernel::Dim dim,
                             std::vector<VariantChoice> variants);

private:
  mlir::LogicalResult declareInputs();
  mlir::LogicalResult declareOutputs();
  // Positions of a page; an error where caches differ in it.
  mlir::FailureOr<int64_t> findPageSize();

  lm::FuncOp func;
  ProgramBuilder &program;
  const KernelChoice &choice;
  ProgramLimits limits;
  llvm::StringMap<mlir::Value> inputs;
  llvm::DenseMap<mlir::Value, mlir::Value> buffers;  // of tensors and caches
  llvm::DenseMap<mlir::Value, kernel::Dim> dims;     // of the rows of tensors
  llvm::DenseMap<mlir::Value, mlir::Value> returned; // output buffer of what the function returns
  llvm::DenseMap<mlir::Operation *, int64_t> indices;
  llvm::StringSet<> panelWeights; // names of the weights that a matmul reads in plain panels
};

} // namespace quipu
