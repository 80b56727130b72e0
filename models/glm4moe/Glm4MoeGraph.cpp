#include "models/glm4moe/Glm4MoeConfig.h"
#include "models/graph/DecoderGraph.h"

namespace quipu::models::glm4moe {

Expected<mlir::Value> buildGraph(const ModelConfig &config, GraphBuilder &graph) {
  return buildDecoder<parseConfig>(config, graph);
}

} // namespace quipu::models::glm4moe
