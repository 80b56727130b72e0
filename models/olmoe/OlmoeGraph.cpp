#include "models/graph/DecoderGraph.h"
#include "models/olmoe/OlmoeConfig.h"

namespace quipu::models::olmoe {

Expected<mlir::Value> buildGraph(const ModelConfig &config, GraphBuilder &graph) {
  return buildDecoder<parseConfig>(config, graph);
}

} // namespace quipu::models::olmoe
