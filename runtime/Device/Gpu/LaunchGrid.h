// How many blocks a launch has, and for which steps one captured graph serves.
#pragma once

#include "runtime/Artifact/Program_generated.h"
#include "runtime/Device/Gpu/GpuDriver.h"
#include "runtime/Device/Step.h"

#include <array>
#include <optional>
#include <vector>

namespace quipu::gpu {

// The shape of a kernel's launch for a step of these dims. An error where the grid is larger than a GPU takes.
Expected<LaunchShape> shapeOf(const fb::LaunchGeometry &geometry, const StepDims &dims);

// The variant of a launch for a step of these dims; null where the step has nothing for it to do.
const fb::Variant *variantOf(const fb::Launch &launch, const StepDims &dims);

// Steps are put together in buckets by their dims. A graph is captured with the largest dims of its bucket and replayed
// for every step in it: kernels read the true dims from memory, and blocks without work return. Within a bucket every
// launch has the same variant.
class StepBuckets {
public:
  StepBuckets(const fb::TargetProgram &target, const StepLimits &limits);

  // Nothing where a step is so large that to start its launches one by one costs it nothing.
  std::optional<StepDims> bucketOf(const StepDims &dims) const;

  static constexpr int64_t largestGraphTokens = 256;

private:
  std::array<std::vector<int64_t>, 3> edges; // of tokens, sequences, rows: the largest value of each bucket
};

} // namespace quipu::gpu
