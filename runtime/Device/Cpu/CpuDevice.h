#pragma once

#include "runtime/Device/Device.h"

#include <set>
#include <string>

namespace quipu {

Expected<std::unique_ptr<Device>> openCpuDevice();

namespace cpu {

// What a CPU allocates for a target.
Expected<MemoryPlan> planMemory(const Artifact &artifact, uint32_t target, const LoadOptions &options);

// The target with the most features among the CPU targets that need nothing but `features`; the first of equals. The
// error lists what each CPU target lacks.
Expected<uint32_t> chooseTarget(const Artifact &artifact, const std::set<std::string> &features);

} // namespace cpu
} // namespace quipu
