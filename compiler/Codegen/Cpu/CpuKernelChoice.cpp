#include "compiler/Codegen/Cpu/CpuKernelChoice.h"

#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionPartials.h"
#include "compiler/Codegen/Cpu/MatmulSchedule.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

#include <fmt/format.h>

namespace quipu::cpu {
namespace {

// The input of products with few weights keeps 15 bits: their time is the launch's, and it is small models, made of
// such matrices, whose text eight bits change soonest.
constexpr int64_t fewWeights = int64_t(1) << 20;

int64_t partsOf(int64_t weights, const std::string &storage) {
  return weights <= fewWeights && findStorageFormat(storage)->isBlocked() ? 2 : 1;
}

// The packed form of one row.
PackedForm packedRow(const PackedInput &input) {
  if (input.blocks)
    return {1, input.rowBytes(), "i8"};
  return {1, input.columns(), input.bf16 ? "bf16" : "f32"};
}

KernelStages expertStages(const ExpertShape &shape, int64_t tile, int64_t parts) {
  KernelParams pack = shape.sharedParams(), product = shape.productParams();
  pack["k"] = shape.k;
  pack["storage"] = shape.storage;
  if (shape.readsParts)
    pack["reads_parts"] = true;
  for (KernelParams *params : {&pack, &product}) {
    (*params)["tile"] = tile;
    if (parts != 1)
      (*params)["parts"] = parts;
  }
  std::string of = fmt::format("{}_of_{}", shape.chosen, shape.experts);
  return {
      {"expert_group_" + of, "expert_group", shape.sharedParams()},
      {fmt::format("expert_pack_{}{}_k{}_{}_t{}", shape.readsParts ? "parts_" : "", shape.storage, shape.k, of, tile),
       "expert_pack", pack},
      {fmt::format("expert_matmul_{}_t{}", shape.symbolStem(), tile), "expert_matmul", product}};
}

} // namespace

MatmulKernels CpuKernelChoice::matmul(const MatmulShape &shape) const {
  MatmulKernels kernels;
  const StorageFormat &format = *findStorageFormat(shape.storage);
  int64_t parts = partsOf(shape.n * shape.k * (shape.gated ? 2 : 1), shape.storage);
  int64_t mostRows = packedTile(format, chip) / parts;
  // Nine to 16 rows are two equal tiles.
  for (int64_t rows : {1, 2, 4, 5, 6, 7, 8, 10, 12, 14, 16})
    if (int64_t tile = rows <= 8 ? rows : rows / 2; tile * parts <= 8)
      kernels.variants.push_back({static_cast<uint32_t>(rows), tiledMatmul(shape, tile, parts)});
  kernels.packed = packedRow(PackedInput(shape.k, format, chip, parts));
  kernels.packed.tile = mostRows;
  kernels.variants.push_back({VariantChoice::any, packedMatmul(shape, mostRows, parts)});
  return kernels;
}

// Of one token each expert has one row at most. Of more they have as many as it comes.
std::optional<MatmulKernels> CpuKernelChoice::experts(const ExpertShape &shape) const {
  const StorageFormat &format = *findStorageFormat(shape.storage);
  int64_t parts = partsOf(shape.chosen * shape.n * shape.k * (shape.gated ? 2 : 1), shape.storage);
  MatmulKernels kernels;
  kernels.variants = {{1, expertStages(shape, 1, parts)},
                      {VariantChoice::any, expertStages(shape, packedTile(format, chip) / parts, parts)}};
  kernels.packed = packedRow(PackedInput(shape.k, format, chip, parts));
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
