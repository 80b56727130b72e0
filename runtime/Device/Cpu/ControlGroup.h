// What the control groups of this process allow it.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

namespace quipu::cpu {

struct ControlGroupLimits {
  double cpus = INFINITY;       // CPUs worth of time
  uint64_t memory = UINT64_MAX; // bytes that can still be had: the limit less what is in use and no file's cache
};

// The tightest limits of the process's own group and of all groups around it (systemd slices, containers in
// containers), in version 2, version 1 and both side by side. A group that is not visible here, as those outside of a
// container, says nothing. Swap that a group may take is not counted.
ControlGroupLimits controlGroupLimits(const std::string &membership = "/proc/self/cgroup",
                                      const std::string &mount = "/sys/fs/cgroup");

} // namespace quipu::cpu
