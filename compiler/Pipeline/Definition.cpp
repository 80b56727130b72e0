#include "compiler/Pipeline/Definition.h"

#include "compiler/Dialect/Kernel/IR/Kernel.h"
#include "compiler/Dialect/LM/IR/LMDialect.h"
#include "models/graph/ModelGraph.h"

#include "mlir/IR/MLIRContext.h"

using namespace mlir;

namespace quipu {

Expected<SourceModel> openModel(const std::string &path) {
  SourceModel model;
  auto checkpoint = models::Checkpoint::open(path);
  if (!checkpoint)
    return passError(std::move(checkpoint));
  model.checkpoint = std::move(*checkpoint);
  auto description = models::checkModel(*model.checkpoint);
  if (!description)
    return passError(std::move(description));
  model.description = std::move(*description);
  return model;
}

std::unique_ptr<MLIRContext> createContext() {
  DialectRegistry registry;
  registry.insert<lm::LMDialect, kernel::KernelDialect>();
  // One function goes through the passes: threads would only cost their start.
  auto context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  return context;
}

Expected<OwningOpRef<ModuleOp>> buildDefinition(const SourceModel &model, MLIRContext &context, int64_t maxContext) {
  return models::buildGraph(*model.checkpoint, context, maxContext);
}

} // namespace quipu
