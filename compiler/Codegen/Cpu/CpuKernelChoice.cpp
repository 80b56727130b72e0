#include "compiler/Codegen/Cpu/CpuKernelChoice.h"

#include "compiler/Codegen/Cpu/Kernels/AttentionPartials.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

#include <fmt/format.h>

namespace quipu::cpu {
namespace {

KernelSpec tiled(const MatmulShape &shape, int64_t tile) {
  KernelParams params = shape.productParams();
  if (shape.normEps)
    params["norm_eps"] = *shape.normEps;
  params["tile"] = tile;
  return {fmt::format("{}{}_t{}", shape.normEps ? "rms_norm_" : "", shape.symbolStem(), tile), "matmul", params};
}

KernelSpec packed(const MatmulShape &shape, int64_t tile) {
  KernelParams params = shape.productParams();
  params["tile"] = tile;
  params["packed_input"] = true;
  return {fmt::format("{}_packed_t{}", shape.symbolStem(), tile), "matmul", params};
}

KernelSpec packInput(const MatmulShape &shape, int64_t tile) {
  KernelParams params = {
      {"k", shape.k}, {"storage", shape.storage}, {"rows_dim", static_cast<int64_t>(shape.rows)}, {"tile", tile}};
  if (shape.normEps)
    params["norm_eps"] = *shape.normEps;
  return {fmt::format("{}pack_input{}_{}_k{}_t{}", shape.normEps ? "rms_norm_" : "", rowsSuffix(shape.rows),
                      shape.storage, shape.k, tile),
          "pack_input", params};
}

} // namespace

MatmulKernels CpuKernelChoice::matmul(const MatmulShape &shape) const {
  MatmulKernels kernels;
  for (int64_t tile : {1, 2, 4, 6, 8})
    kernels.variants.push_back({static_cast<uint32_t>(tile), {tiled(shape, tile)}});
  PackedInput input(shape.k, *findStorageFormat(shape.storage), chip);
  if (input.blocks)
    kernels.packed = {packedTile, input.rowBytes(), "i8"};
  else
    kernels.packed = {packedTile, input.columns(), input.bf16 ? "bf16" : "f32"};
  kernels.variants.push_back({VariantChoice::any, {packInput(shape, packedTile), packed(shape, packedTile)}});
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
