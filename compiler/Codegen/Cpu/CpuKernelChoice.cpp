#include "compiler/Codegen/Cpu/CpuKernelChoice.h"

#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionPartials.h"
#include "compiler/Codegen/Cpu/MatmulSchedule.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

namespace quipu::cpu {
namespace {

// The input of products with few weights keeps 15 bits: their time is the launch's, and it is small models, made of
// such matrices, whose text eight bits change soonest.
constexpr int64_t fewWeights = int64_t(1) << 20;

int64_t partsOf(const MatmulShape &shape) {
  bool few = shape.n * shape.k * (shape.gated ? 2 : 1) <= fewWeights;
  return few && findStorageFormat(shape.storage)->isBlocked() ? 2 : 1;
}

} // namespace

MatmulKernels CpuKernelChoice::matmul(const MatmulShape &shape) const {
  MatmulKernels kernels;
  const StorageFormat &format = *findStorageFormat(shape.storage);
  int64_t parts = partsOf(shape), mostRows = packedTile(format, chip) / parts;
  // Nine to 16 rows are two equal tiles.
  for (int64_t rows : {1, 2, 4, 5, 6, 7, 8, 10, 12, 14, 16})
    if (int64_t tile = rows <= 8 ? rows : rows / 2; tile * parts <= 8)
      kernels.variants.push_back({static_cast<uint32_t>(rows), tiledMatmul(shape, tile, parts)});
  PackedInput input(shape.k, format, chip, parts);
  if (input.blocks)
    kernels.packed = {mostRows, input.rowBytes(), "i8"};
  else
    kernels.packed = {mostRows, input.columns(), input.bf16 ? "bf16" : "f32"};
  kernels.variants.push_back({VariantChoice::any, packedMatmul(shape, mostRows, parts)});
  return kernels;
}

std::vector<VariantChoice> CpuKernelChoice::attention(const AttentionShape &shape) const {
  KernelSpec split{shape.symbolStem() + "_splits", "attention", shape.params()};
  split.params["splits"] = true;
  KernelSpec merge{shape.symbolStem() + "_merge", "attention_merge", shape.params()};
  constexpr uint32_t fewTokens = 64;
  std::vector<VariantChoice> variants = KernelChoice::attention(shape);
  variants.insert(variants.begin(), {fewTokens, {split, merge}});
  return variants;
}

int64_t CpuKernelChoice::attentionPartials(const AttentionShape &shape) const {
  return PartialLayout::of(shape).bytes() / int64_t(sizeof(float));
}

std::vector<KernelStages> CpuKernelChoice::alternatives(const KernelStages &stages, int64_t rows) const {
  return matmulAlternatives(stages, rows, chip);
}

} // namespace quipu::cpu
