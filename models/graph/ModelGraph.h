// The graphs of the model families: configuration and weight types in, plain form of the lm dialect out.
#pragma once

#include "models/graph/GraphBuilder.h"
#include "runtime/Support/Error.h"

namespace quipu::models {

class Checkpoint;
struct ModelConfig;

// The plain form of a model: a module with one lm.func @model. The family is found as by findFamily.
Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildGraph(const ModelConfig &config, const WeightTypes &weightTypes,
                                                       mlir::MLIRContext &context);

// The same, with every weight in the type the checkpoint has it in. checkModel says before whether it is complete.
// `maxContext`: as ModelConfig::context.
Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildGraph(const Checkpoint &checkpoint, mlir::MLIRContext &context,
                                                       int64_t maxContext = 0);

} // namespace quipu::models
