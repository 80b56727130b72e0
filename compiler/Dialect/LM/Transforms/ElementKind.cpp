#include "compiler/Dialect/LM/Transforms/Passes.h"

mlir::FloatType quipu::lm::getElementType(ElementKind kind, mlir::MLIRContext *context) {
  switch (kind) {
  case ElementKind::f32:
    return mlir::Float32Type::get(context);
  case ElementKind::bf16:
    return mlir::BFloat16Type::get(context);
  }
  llvm_unreachable("all kinds are above");
}
