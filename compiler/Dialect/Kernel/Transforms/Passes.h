#pragma once

#include "compiler/Dialect/Kernel/IR/Kernel.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace quipu::kernel {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Dialect/Kernel/Transforms/Passes.h.inc"

} // namespace quipu::kernel
