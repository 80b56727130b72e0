#include "models/gemma/GemmaConfig.h"
#include "models/graph/DecoderGraph.h"

namespace quipu::models::gemma {

Expected<mlir::Value> buildGraph(const ModelConfig &config, GraphBuilder &graph) {
  return buildDecoder<parseConfig>(config, graph);
}

} // namespace quipu::models::gemma
