#include "models/graph/ModelGraph.h"

#include "models/Family.h"
#include "models/config/ModelConfig.h"
#include "models/graph/DecoderGraph.h"
#include "models/import/Checkpoint.h"

namespace quipu::models {

// What a family gives: the forward pass up to the logits, emitted through the builder.
#define DECODER(name)
#define FAMILY(name)                                                                                                   \
  namespace name {                                                                                                     \
  Expected<mlir::Value> buildGraph(const ModelConfig &config, GraphBuilder &graph);                                    \
  }
#include "models/Families.def"

using BuildGraph = Expected<mlir::Value> (*)(const ModelConfig &config, GraphBuilder &graph);

static BuildGraph graphOf(std::string_view family) {
#define DECODER(name)                                                                                                  \
  if (family == #name)                                                                                                 \
    return buildDecoder;
#define FAMILY(name)                                                                                                   \
  if (family == #name)                                                                                                 \
    return name::buildGraph;
#include "models/Families.def"
  llvm_unreachable("both registries are made from Families.def");
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildGraph(const ModelConfig &config, const WeightTypes &weightTypes,
                                                       mlir::MLIRContext &context) {
  auto match = findFamily(config);
  if (!match)
    return passError(std::move(match));
  GraphBuilder graph(context, weightTypes);
  auto logits = graphOf(match->family->name)(config, graph);
  if (!logits)
    return passError(std::move(logits));
  if (!graph.missingWeights().empty())
    return makeError("{}: the model needs the tensor {}, which the checkpoint does not have", config.path,
                     graph.missingWeights().front());
  return graph.finish(*logits);
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildGraph(const Checkpoint &checkpoint, mlir::MLIRContext &context,
                                                       int64_t maxContext) {
  auto typeOf = [&](const std::string &name) -> std::optional<DType> {
    const TensorInfo *tensor = checkpoint.find(name);
    return tensor ? std::optional(tensor->dtype) : std::nullopt;
  };
  ModelConfig config = checkpoint.config();
  config.context = maxContext;
  return buildGraph(config, typeOf, context);
}

} // namespace quipu::models
