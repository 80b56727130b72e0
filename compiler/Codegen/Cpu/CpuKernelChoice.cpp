#include "compiler/Codegen/Cpu/CpuKernelChoice.h"

#include "compiler/Codegen/Cpu/Kernels/AttentionPartials.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

#include <fmt/format.h>

namespace quipu::cpu {
namespace {

// The input of products with few weights keeps 15 bits: their time is the launch's, and it is small models, made of
// such matrices, whose text eight bits change soonest.
constexpr int64_t fewWeights = int64_t(1) << 20;

int64_t partsOf(const MatmulShape &shape) {
  bool few = shape.n * shape.k * (shape.gated ? 2 : 1) <= fewWeights;
  return few && findStorageFormat(shape.storage)->isBlocked() ? 2 : 1;
}

KernelSpec tiled(const MatmulShape &shape, int64_t tile) {
  KernelParams params = shape.productParams();
  if (partsOf(shape) != 1)
    params["parts"] = partsOf(shape);
  if (shape.normEps)
    params["norm_eps"] = *shape.normEps;
  params["tile"] = tile;
  return {fmt::format("{}{}_t{}", shape.normEps ? "rms_norm_" : "", shape.symbolStem(), tile), "matmul", params};
}

KernelSpec packed(const MatmulShape &shape, int64_t tile) {
  KernelParams params = shape.productParams();
  if (partsOf(shape) != 1)
    params["parts"] = partsOf(shape);
  params["tile"] = tile;
  params["packed_input"] = true;
  return {fmt::format("{}_packed_t{}", shape.symbolStem(), tile), "matmul", params};
}

KernelSpec packInput(const MatmulShape &shape, int64_t tile) {
  KernelParams params = {
      {"k", shape.k}, {"storage", shape.storage}, {"rows_dim", static_cast<int64_t>(shape.rows)}, {"tile", tile}};
  int64_t parts = partsOf(shape);
  if (parts != 1)
    params["parts"] = parts;
  if (shape.normEps)
    params["norm_eps"] = *shape.normEps;
  return {fmt::format("{}pack_input{}_{}_k{}_t{}{}", shape.normEps ? "rms_norm_" : "", rowsSuffix(shape.rows),
                      shape.storage, shape.k, tile, parts == 1 ? "" : fmt::format("_parts{}", parts)),
          "pack_input", params};
}

} // namespace

MatmulKernels CpuKernelChoice::matmul(const MatmulShape &shape) const {
  MatmulKernels kernels;
  int64_t parts = partsOf(shape), mostRows = packedTile / parts;
  for (int64_t tile : {1, 2, 4, 6, 8})
    if (tile * parts <= 8)
      kernels.variants.push_back({static_cast<uint32_t>(tile), {tiled(shape, tile)}});
  PackedInput input(shape.k, *findStorageFormat(shape.storage), chip, parts);
  if (input.blocks)
    kernels.packed = {mostRows, input.rowBytes(), "i8"};
  else
    kernels.packed = {mostRows, input.columns(), input.bf16 ? "bf16" : "f32"};
  kernels.variants.push_back({VariantChoice::any, {packInput(shape, mostRows), packed(shape, mostRows)}});
  return kernels;
}

std::vector<VariantChoice> CpuKernelChoice::attention(const AttentionShape &shape) const {
  KernelSpec split{shape.symbolStem() + "_splits", "attention", shape.params()};
  split.params["splits"] = true;
  KernelSpec merge{shape.symbolStem() + "_merge", "attention_merge", {}};
  for (const char *name : {"heads", "kv_heads", "dim", "window"})
    if (auto param = split.params.find(name); param != split.params.end())
      merge.params.insert(*param);
  constexpr uint32_t fewTokens = 64;
  std::vector<VariantChoice> variants = KernelChoice::attention(shape);
  variants.insert(variants.begin(), {fewTokens, {split, merge}});
  return variants;
}

int64_t CpuKernelChoice::attentionPartials(const AttentionShape &shape) const {
  PartialLayout layout{(shape.dim + 15) / 16 * 16};
  return shape.heads * PartialLayout::mostSplits * layout.bytes() / int64_t(sizeof(float));
}

} // namespace quipu::cpu
