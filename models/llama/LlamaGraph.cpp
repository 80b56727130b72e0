#include "models/graph/DecoderGraph.h"
#include "models/llama/LlamaConfig.h"

namespace quipu::models::llama {

Expected<mlir::Value> buildGraph(const ModelConfig &config, GraphBuilder &graph) {
  return buildDecoder<parseConfig>(config, graph);
}

} // namespace quipu::models::llama
