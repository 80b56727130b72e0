// Kernel specifications as `kernel.def` and back.
#pragma once

#include "compiler/Codegen/KernelSpec.h"
#include "compiler/Dialect/Kernel/IR/Kernel.h"

#include "mlir/IR/Builders.h"

namespace quipu {

// Errors: a parameter that is no bool, integer, number or string.
Expected<KernelSpec> specOf(kernel::DefOp def);
mlir::DictionaryAttr attributesOf(mlir::Builder builder, const KernelParams &params);

} // namespace quipu
