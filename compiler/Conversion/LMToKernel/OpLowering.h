// One launch for each op of the cached form.
#pragma once

#include "compiler/Conversion/LMToKernel/ProgramBuilder.h"
#include "compiler/Dialect/LM/IR/LMOps.h"

#include "llvm/ADT/StringSet.h"

namespace quipu {

class OpLowering {
public:
  OpLowering(lm::FuncOp func, ProgramBuilder &program, const KernelChoice &choice, const ProgramLimits &limits);

  // Adds the launches of the whole function. Errors are diagnostics at the op.
  mlir::LogicalResult lower();

private:
  mlir::LogicalResult declareInputs();
  mlir::LogicalResult declareOutputs();
  // Positions of a page; an error where caches differ in it.
  mlir::FailureOr<int64_t> findPageSize();
  mlir::LogicalResult lowerOp(mlir::Operation &op);

  mlir::LogicalResult lowerEmbedding(lm::EmbeddingOp op);
  mlir::LogicalResult lowerMatmul(lm::MatmulOp op);
  mlir::LogicalResult lowerRopeAppend(lm::RopeAppendOp op);
  mlir::LogicalResult lowerAttention(lm::CachedAttentionOp op);
  mlir::LogicalResult lowerKvCache(lm::KvCacheOp op);
  mlir::LogicalResult lowerKvAppend(lm::KvAppendOp op);
  mlir::LogicalResult lowerRope(lm::RopeOp op);
  mlir::LogicalResult lowerRmsNorm(lm::RmsNormOp op);
  mlir::LogicalResult lowerPointwise(mlir::Operation *op, llvm::StringRef function, mlir::Value a, mlir::Value b);
  mlir::LogicalResult lowerSelectRows(lm::SelectRowsOp op);
  mlir::LogicalResult lowerSliceColumns(lm::SliceColumnsOp op);
  mlir::LogicalResult lowerSample(lm::SampleOp op);

  // The checkpoint tensors a weight operand is made of.
  mlir::FailureOr<WeightSource> resolveWeight(mlir::Operation *user, mlir::Value weight);
  // A gain or bias: f32, in order. Absent stays absent.
  mlir::FailureOr<mlir::Value> vectorWeight(mlir::Operation *user, mlir::Value weight);
  // The storage format of an element type, by name: which of them a target has kernels for its generators say.
  static std::string formatName(mlir::Type element);

  mlir::Type packedElement(const PackedForm &form);

  kernel::Dim dimOf(mlir::Value value) const { return dims.lookup(value); }
  mlir::Value bufferOf(mlir::Value value) const { return buffers.lookup(value); }
  // The buffer a result is written to: an output where the function returns it, else an activation of this name.
  mlir::Value resultBuffer(mlir::Value result, llvm::StringRef name, kernel::Dim rows);
  // A launch of one kernel for every size.
  void launch(mlir::Operation *op, llvm::StringRef name, llvm::ArrayRef<mlir::Value> reads,
              llvm::ArrayRef<mlir::Value> writes, kernel::Dim dim, KernelSpec kernel);
  void launch(mlir::Operation *op, llvm::StringRef name, llvm::ArrayRef<mlir::Value> reads,
              llvm::ArrayRef<mlir::Value> writes, kernel::Dim dim, std::vector<VariantChoice> variants);
  // "silu.12": for ops that read no weight.
  std::string indexedName(mlir::Operation *op, llvm::StringRef what) const;
  // Layer of the cache whose buffer this is, as a name: "layers.3".
  static std::string layerName(mlir::Value cacheBuffer);

  lm::FuncOp func;
  ProgramBuilder &program;
  const KernelChoice &choice;
  ProgramLimits limits;
  mlir::Value slots, seqStarts, contextLens, pageTable, seen;
  llvm::DenseMap<mlir::Value, mlir::Value> buffers;  // of tensors and caches
  llvm::DenseMap<mlir::Value, kernel::Dim> dims;     // of the rows of tensors
  llvm::DenseMap<mlir::Value, mlir::Value> returned; // output buffer of what the function returns
  llvm::DenseMap<mlir::Operation *, int64_t> indices;
  llvm::StringSet<> panelWeights; // names of the weights that a matmul reads in plain panels
};

} // namespace quipu
