// How far a step has come: each stage of each launch has a word of host memory where its kernel writes as it begins
// (compiler/Codegen/Gpu/device/platform.h). When the device fails or does not answer, the words say which kernel it was
// at; of a graph nothing else does.
#pragma once

#include "runtime/Artifact/Program_generated.h"
#include "runtime/Device/Gpu/GpuDriver.h"
#include "runtime/Device/Step.h"

#include <vector>

namespace quipu::gpu {

class LaunchMarks {
public:
  // What kernels write.
  enum Mark : uint32_t {
    Started = 1, // those in front of it may still run
    Alone = 2,   // they have ended
  };

  explicit LaunchMarks(const fb::TargetProgram &target);

  uint64_t bytes() const { return count * sizeof(uint32_t); }
  // Without memory there are no marks.
  void placeIn(std::byte *pinned);
  // What the kernel of a launch's stage gets; 0: none.
  Address of(uint32_t launch, uint32_t stage) const;
  // No kernel is running.
  void clear();

  // The kernel that began last in a step of these dims, and the one before it where both may be running, with their
  // launches; empty where none has begun.
  std::string lastBegun(const StepDims &dims) const;

private:
  const fb::TargetProgram &target;
  std::vector<size_t> firsts; // of each launch: its first stage's word
  size_t count = 0;
  volatile uint32_t *words = nullptr;
};

} // namespace quipu::gpu
