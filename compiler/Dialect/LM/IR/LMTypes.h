#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectImplementation.h"

namespace quipu {
struct StorageFormat;
}

namespace quipu::lm {

/// How the positions of a sequence lie in a KV cache: one run of them, or pages of `pageSize` positions.
class KvLayout {
public:
  static KvLayout contiguous() { return KvLayout(std::nullopt); }
  static KvLayout paged(int64_t pageSize) { return KvLayout(pageSize); }

  bool isPaged() const { return pageSize.has_value(); }
  /// Positions a page; only of a paged layout.
  int64_t getPageSize() const { return *pageSize; }

  bool operator==(const KvLayout &other) const { return pageSize == other.pageSize; }

private:
  explicit KvLayout(std::optional<int64_t> pageSize) : pageSize(pageSize) {}

  std::optional<int64_t> pageSize;
};

llvm::hash_code hash_value(const KvLayout &layout);
llvm::raw_ostream &operator<<(llvm::raw_ostream &os, const KvLayout &layout);

/// The most heads, and features a head, that types and ops take: far above any model, and no product of two overflows.
constexpr int64_t maxHeads = 1 << 16;

/// tensor<?xDxf32> with D >= 1: a row a token.
bool isRowsType(mlir::Type type);
/// tensor<?xi32>: ids, positions, row numbers.
bool isIntsType(mlir::Type type);
/// tensor<?xKxi32> with K >= 1: the experts that each token goes to.
bool isChoiceType(mlir::Type type);
/// A static, not empty tensor of the given rank: a vector of f32, f16 or bf16, or a matrix or a stack of matrices of
/// any storage type.
bool isWeightType(mlir::Type type, int64_t rank);
/// f32, f16 or bf16.
bool isFloatType(mlir::Type type);
/// The storage format an element type of weights stands for; null where it stands for none.
const StorageFormat *getStorageFormat(mlir::Type element);
/// The element type of weights in a format.
mlir::Type getStorageType(mlir::MLIRContext *context, const StorageFormat &format);

mlir::RankedTensorType getRowsType(mlir::MLIRContext *context, int64_t features);
mlir::RankedTensorType getIntsType(mlir::MLIRContext *context);
mlir::RankedTensorType getChoiceType(mlir::MLIRContext *context, int64_t experts);

} // namespace quipu::lm

template <> struct mlir::FieldParser<quipu::lm::KvLayout> {
  static FailureOr<quipu::lm::KvLayout> parse(AsmParser &parser);
};

#define GET_TYPEDEF_CLASSES
#include "compiler/Dialect/LM/IR/LMTypes.h.inc"
