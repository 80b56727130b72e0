// LM -> LM passes. Their reference is generated from Passes.td; their order lives in compiler/Pipeline.
#pragma once

#include "compiler/Dialect/LM/IR/LMOps.h"

#include "mlir/Pass/Pass.h"

namespace quipu::lm {

/// Element types that passes convert caches and weights to.
enum class ElementKind { f32, bf16 };

mlir::FloatType getElementType(ElementKind kind, mlir::MLIRContext *context);

/// The values of an ElementKind option on the command line.
inline auto elementKindValues() {
  return llvm::cl::values(clEnumValN(ElementKind::f32, "f32", "32 bit IEEE float"),
                          clEnumValN(ElementKind::bf16, "bf16", "bfloat16"));
}

#define GEN_PASS_DECL
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"

} // namespace quipu::lm
