#include "models/granitemoe/GraniteMoeConfig.h"
#include "models/graph/DecoderGraph.h"

namespace quipu::models::granitemoe {

Expected<mlir::Value> buildGraph(const ModelConfig &config, GraphBuilder &graph) {
  return buildDecoder<parseConfig>(config, graph);
}

} // namespace quipu::models::granitemoe
