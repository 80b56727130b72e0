// A checkpoint on its way into the compiler: its tensors, what its family says of it, and the graph.
#pragma once

#include "models/Family.h"
#include "models/import/Checkpoint.h"
#include "runtime/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>

namespace quipu {

struct SourceModel {
  std::unique_ptr<models::Checkpoint> checkpoint;
  models::ModelDescription description;
};

// Opens a checkpoint and checks its configuration and every tensor it needs.
Expected<SourceModel> openModel(const std::string &path);

// An MLIR context with the dialects of the compiler.
std::unique_ptr<mlir::MLIRContext> createContext();

// The plain form of the model, one lm.func in a module, for contexts of up to `maxContext` positions.
Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildDefinition(const SourceModel &model, mlir::MLIRContext &context,
                                                            int64_t maxContext);

} // namespace quipu
