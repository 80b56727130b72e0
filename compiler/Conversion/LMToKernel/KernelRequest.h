// A kernel that a launch asks for: generator, parameters and the parts of its name.
#pragma once

#include "compiler/Dialect/Kernel/IR/Kernel.h"

#include "mlir/IR/Builders.h"

#include <string>

namespace quipu {

// In symbols: kernels over tokens are the usual ones, those over rows say so.
inline llvm::StringRef rowsSuffix(kernel::Dim dim) { return dim == kernel::Dim::Rows ? "_rows" : ""; }

struct KernelRequest {
  std::string generator;
  llvm::SmallVector<mlir::NamedAttribute> params;
  std::string symbol; // op, type, shape, variant; what makes equal names differ is no part of it
};

// A kernel's parameters, in the words of its generator.
class KernelParams {
public:
  explicit KernelParams(mlir::Builder &builder) : builder(builder) {}

  KernelParams &add(llvm::StringRef name, int64_t value) { return add(name, builder.getI64IntegerAttr(value)); }
  KernelParams &add(llvm::StringRef name, llvm::StringRef value) { return add(name, builder.getStringAttr(value)); }
  KernelParams &addReal(llvm::StringRef name, double value) { return add(name, builder.getF64FloatAttr(value)); }
  // An unset flag is left out.
  KernelParams &addFlag(llvm::StringRef name, bool value) {
    return value ? add(name, builder.getBoolAttr(true)) : *this;
  }
  KernelParams &addRows(kernel::Dim dim) { return add("rows_dim", static_cast<int64_t>(dim)); }

  KernelRequest request(llvm::StringRef generator, std::string symbol) const {
    return {generator.str(), params, std::move(symbol)};
  }

private:
  KernelParams &add(llvm::StringRef name, mlir::Attribute value) {
    params.push_back(builder.getNamedAttr(name, value));
    return *this;
  }

  mlir::Builder &builder;
  llvm::SmallVector<mlir::NamedAttribute> params;
};

} // namespace quipu
