// A layer's MLP where it is routed experts: the part of DecoderGraph that models of them share.
#include "models/graph/DecoderGraph.h"

using mlir::Value;

namespace quipu::models {

Value DecoderGraph::experts(Value x) {
  const ExpertsConfig &experts = *config.experts;
  const ExpertModules &modules = experts.modules;
  auto [ids, weights] = graph.route(graph.linear(x, modules.router, experts.count), experts);
  StackShape inner{experts.count, experts.size, config.hiddenSize};
  Value h;
  if (modules.gateAndUp.empty()) {
    Value gate = graph.expertLinear(x, modules.gate, inner, ids);
    Value up = graph.expertLinear(x, modules.up, inner, ids);
    h = graph.mul(graph.activation(gate, config.activation), up);
  } else {
    h = graph.gatedExperts(x, modules.gateAndUp, inner, ids, config.activation);
  }
  Value y = graph.expertLinear(h, modules.down, {experts.count, config.hiddenSize, experts.size}, ids, weights);
  return experts.sharedSize ? graph.add(y, sharedExperts(x)) : y;
}

Value DecoderGraph::sharedExperts(Value x) {
  const ExpertsConfig &experts = *config.experts;
  const std::string &module = experts.modules.shared;
  if (!experts.sharedGated) {
    int64_t hidden = config.hiddenSize, size = experts.sharedSize;
    return mlp(x, {module + ".gate_proj", size, hidden}, {module + ".up_proj", size, hidden},
               {module + ".down_proj", hidden, size});
  }
  auto [ids, weights] = graph.routeToOne(graph.linear(x, experts.modules.sharedGate, 1));
  StackShape inner{1, experts.sharedSize, config.hiddenSize};
  Value gate = graph.expertLinear(x, module + ".gate_proj", inner, ids);
  Value up = graph.expertLinear(x, module + ".up_proj", inner, ids);
  Value h = graph.mul(graph.activation(gate, config.activation), up);
  return graph.expertLinear(h, module + ".down_proj", {1, config.hiddenSize, experts.sharedSize}, ids, weights);
}

} // namespace quipu::models
