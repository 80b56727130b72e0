#pragma once

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace quipu {

/// The one list of the dialects and passes of quipu-opt.
void registerDialects(mlir::DialectRegistry &registry);
void registerPasses();

} // namespace quipu
