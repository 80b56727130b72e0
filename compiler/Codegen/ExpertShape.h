// What launches of routers and of experts' matmuls compute, as their kernels see it.
#pragma once

#include "compiler/Codegen/KernelSpec.h"

#include <optional>
#include <string>

namespace quipu {

struct RouteShape {
  int64_t experts = 0, chosen = 0;
  std::string score;
  bool normalize = false, bias = false;
  std::optional<double> scale;
  int64_t groups = 1, keptGroups = 1;

  // "route_softmax_normalize_8_of_128"
  KernelSpec spec() const;
};

struct ExpertShape {
  int64_t experts = 0, chosen = 0;
  int64_t n = 0, k = 0; // of a product
  std::string storage;
  std::string activation; // empty: none
  bool gated = false;
  bool combine = false, residual = false;
  bool readsParts = false; // x has a part for each of a token's experts

  // "silu_gated_bf16_n768_k2048_8_of_128"
  std::string symbolStem() const;
  // Parameters that every stage has.
  KernelParams sharedParams() const { return {{"experts", experts}, {"chosen", chosen}}; }
  // Parameters of the product and what follows it, but those of a variant.
  KernelParams productParams() const;
};

} // namespace quipu
