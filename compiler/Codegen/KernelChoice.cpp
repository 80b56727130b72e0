#include "compiler/Codegen/KernelChoice.h"

#include <fmt/format.h>

namespace quipu {

std::string MatmulShape::symbolStem() const {
  return fmt::format("matmul{}{}{}{}{}{}{}_{}_n{}_k{}", bias ? "_bias" : "", activation.empty() ? "" : "_" + activation,
                     gated ? "_gated" : "", scale ? "_scaled" : "", softcap ? "_softcap" : "",
                     residual ? "_residual" : "", rowsSuffix(rows), storage, n, k);
}

KernelParams MatmulShape::productParams() const {
  KernelParams params = {{"n", n}, {"k", k}, {"storage", storage}, {"rows_dim", static_cast<int64_t>(rows)}};
  if (!activation.empty())
    params["activation"] = activation;
  for (auto [name, set] : {std::pair("gated", gated), std::pair("bias", bias), std::pair("residual", residual)})
    if (set)
      params[name] = true;
  if (scale)
    params["scale"] = *scale;
  if (softcap)
    params["softcap"] = *softcap;
  return params;
}

void NormShape::addTo(KernelParams &params) const {
  params["norm_eps"] = eps;
  if (centred)
    params["centred"] = true;
  if (shift)
    params["shift"] = true;
}

std::string SampleShape::symbolStem() const { return fmt::format("sample{}_n{}", rowsSuffix(rows), n); }

KernelParams SampleShape::params() const { return {{"n", n}, {"rows_dim", static_cast<int64_t>(rows)}}; }

std::vector<VariantChoice> KernelChoice::attention(const AttentionShape &shape) const {
  return {{VariantChoice::any, {{shape.symbolStem(), "attention", shape.params()}}}};
}

std::vector<VariantChoice> KernelChoice::sample(const SampleShape &shape) const {
  return {{VariantChoice::any, {{shape.symbolStem(), "sample", shape.params()}}}};
}

} // namespace quipu
