#include "compiler/Codegen/ExpertShape.h"

#include <fmt/format.h>

namespace quipu {

KernelSpec RouteShape::spec() const {
  KernelParams params = {{"experts", experts}, {"chosen", chosen}, {"score", score}};
  if (normalize)
    params["normalize"] = true;
  if (bias)
    params["bias"] = true;
  if (scale)
    params["scale"] = *scale;
  if (groups > 1) {
    params["groups"] = groups;
    params["kept_groups"] = keptGroups;
  }
  return {
      fmt::format("route_{}{}{}_{}_of_{}", score, normalize ? "_normalize" : "", bias ? "_bias" : "", chosen, experts),
      "route", params};
}

std::string ExpertShape::symbolStem() const {
  return fmt::format("{}{}{}{}{}_n{}_k{}_{}_of_{}", activation.empty() ? "" : activation + "_", gated ? "gated_" : "",
                     combine ? "combine_" : "", residual ? "residual_" : "", storage, n, k, chosen, experts);
}

KernelParams ExpertShape::productParams() const {
  KernelParams params = sharedParams();
  params["n"] = n;
  params["k"] = k;
  params["storage"] = storage;
  if (!activation.empty())
    params["activation"] = activation;
  for (auto [name, set] : {std::pair("gated", gated), std::pair("combine", combine), std::pair("residual", residual)})
    if (set)
      params[name] = true;
  return params;
}

} // namespace quipu
