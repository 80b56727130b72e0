#include "models/graph/DecoderGraph.h"
#include "models/qwen/QwenConfig.h"

namespace quipu::models::qwen {

Expected<mlir::Value> buildGraph(const ModelConfig &config, GraphBuilder &graph) {
  return buildDecoder<parseConfig>(config, graph);
}

} // namespace quipu::models::qwen
