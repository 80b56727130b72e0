// Builds a kernel.program: declares each weight, cache, table and kernel once, whoever asks first.
#pragma once

#include "compiler/Codegen/KernelChoice.h"
#include "compiler/Dialect/Kernel/IR/Kernel.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"

namespace quipu {

// The largest step the program must take.
struct ProgramLimits {
  int64_t tokens;
  int64_t sequences;
  int64_t rows;
  int64_t context;
};

// Pieces of checkpoint tensors (compiler/Quantization/WeightPiece.h) joined along rows; `type` is the joined one, its
// element type the storage.
struct WeightSource {
  llvm::SmallVector<llvm::StringRef> names;
  mlir::RankedTensorType type;
};

struct LaunchRequest {
  std::string name;
  mlir::Operation *source; // the lm op
  int64_t index;           // of it in its function
  llvm::SmallVector<mlir::Value> reads;
  llvm::SmallVector<mlir::Value> writes;
  kernel::Dim dim;
  std::vector<VariantChoice> variants;
};

class ProgramBuilder {
public:
  ProgramBuilder(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef target, const ProgramLimits &limits);

  mlir::Value absent();
  mlir::Value buffer(kernel::Role role, llvm::StringRef name, mlir::Type dtype, kernel::Dim rows, int64_t columns,
                     int64_t extraRows = 0);
  mlir::Value weight(const WeightSource &source, kernel::Layout layout);
  mlir::Value kvCache(int64_t layer, int64_t heads, int64_t dim, mlir::Type elem, int64_t pageSize,
                      kernel::KvLayout layout);
  mlir::Value ropeTable(int64_t dim, double attentionFactor, llvm::ArrayRef<double> invFreq);
  void launch(const LaunchRequest &request);

private:
  // Symbol of the kernel with this generator and these parameters.
  mlir::FlatSymbolRefAttr define(const KernelSpec &spec);
  mlir::OpBuilder atDeclarations();

  mlir::OpBuilder builder;
  mlir::Location loc;
  kernel::ProgramOp program;
  // Kernels, then declarations, then launches, each list in order of first use.
  mlir::Operation *lastKernel = nullptr;
  mlir::Operation *lastDeclaration = nullptr;

  llvm::StringMap<mlir::Value> declared; // weights, caches and tables by what identifies them
  llvm::DenseMap<std::pair<mlir::StringAttr, mlir::DictionaryAttr>, mlir::FlatSymbolRefAttr> kernels;
  llvm::StringMap<int> symbols; // how often a symbol was asked for
};

} // namespace quipu
