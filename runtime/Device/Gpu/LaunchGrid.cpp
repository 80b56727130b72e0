#include "runtime/Device/Gpu/LaunchGrid.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Support/Rounding.h"

#include <algorithm>

namespace quipu::gpu {

namespace {

uint64_t valueOf(fb::Dim dim, const StepDims &dims) { return static_cast<uint64_t>(dims[static_cast<size_t>(dim)]); }

uint64_t blocksOf(const fb::GridAxis &axis, const StepDims &dims) {
  if (axis.dim() == fb::Dim::none)
    return axis.times();
  uint64_t divide = std::max(axis.divide(), 1u);
  return (valueOf(axis.dim(), dims) + divide - 1) / divide * axis.times(); // all are below 2^32
}

} // namespace

Expected<LaunchShape> shapeOf(const fb::LaunchGeometry &geometry, const StepDims &dims) {
  constexpr std::array<uint64_t, 3> mostBlocks = {INT32_MAX, UINT16_MAX, UINT16_MAX};
  LaunchShape shape;
  shape.threads = geometry.block();
  shape.sharedBytes = geometry.shared_bytes();
  shape.cluster = std::max(geometry.cluster(), 1u);
  shape.early = geometry.early_start();
  for (uint32_t i = 0; i < std::min<uint32_t>(sizeOf(geometry.grid()), 3); ++i) {
    uint64_t blocks = blocksOf(*geometry.grid()->Get(i), dims);
    if (i == 0) // whole clusters
      blocks = roundUp(blocks, shape.cluster);
    if (blocks > mostBlocks[i])
      return makeError("{} blocks along axis {} are more than a GPU takes", blocks, "xyz"[i]);
    shape.grid[i] = static_cast<uint32_t>(blocks);
  }
  return shape;
}

const fb::Variant *variantOf(const fb::Launch &launch, const StepDims &dims) {
  if (launch.dim() == fb::Dim::none)
    return launch.variants()->Get(0);
  uint64_t value = valueOf(launch.dim(), dims);
  if (value == 0)
    return nullptr;
  for (const fb::Variant *variant : *launch.variants())
    if (value <= variant->max_value())
      return variant;
  return nullptr;
}

StepBuckets::StepBuckets(const fb::TargetProgram &target, const StepLimits &limits) {
  const std::array<uint64_t, 3> most = {std::min<uint64_t>(limits.tokens, largestGraphTokens), limits.sequences,
                                        limits.rows};
  for (size_t dim = 0; dim < edges.size(); ++dim) {
    std::vector<int64_t> &values = edges[dim];
    for (uint64_t edge = 1; edge < most[dim]; edge *= 2)
      values.push_back(static_cast<int64_t>(edge));
    values.push_back(static_cast<int64_t>(most[dim]));
    for (uint32_t i = 0; i < sizeOf(target.launches()); ++i)
      if (const fb::Launch &launch = *target.launches()->Get(i); static_cast<size_t>(launch.dim()) == dim)
        for (const fb::Variant *variant : *launch.variants())
          if (variant->max_value() > 0 && variant->max_value() < most[dim])
            values.push_back(variant->max_value());
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
  }
}

std::optional<StepDims> StepBuckets::bucketOf(const StepDims &dims) const {
  StepDims bucket = dims;
  for (size_t dim = 0; dim < edges.size(); ++dim) {
    if (dims[dim] == 0)
      continue;
    auto edge = std::lower_bound(edges[dim].begin(), edges[dim].end(), dims[dim]);
    if (edge == edges[dim].end())
      return std::nullopt;
    bucket[dim] = *edge;
  }
  return bucket;
}

} // namespace quipu::gpu
