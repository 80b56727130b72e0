#include "runtime/Device/Cpu/Topology.h"

#include "runtime/Device/Cpu/ControlGroup.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <sched.h>
#include <set>
#include <string>
#include <vector>

namespace quipu::cpu {

namespace {

std::vector<int> allowedCpus() {
  std::vector<int> cpus;
  // A mask of the usual size fails on machines with more CPUs than it has bits.
  for (size_t count = CPU_SETSIZE; count <= size_t(1) << 20; count *= 2) {
    cpu_set_t *mask = CPU_ALLOC(count);
    size_t bytes = CPU_ALLOC_SIZE(count);
    bool known = ::sched_getaffinity(0, bytes, mask) == 0;
    for (size_t cpu = 0; known && cpu < count; ++cpu)
      if (CPU_ISSET_S(cpu, bytes, mask))
        cpus.push_back(static_cast<int>(cpu));
    CPU_FREE(mask);
    if (known)
      break;
  }
  return cpus;
}

} // namespace

unsigned availableCpus() { return std::max<unsigned>(1, static_cast<unsigned>(allowedCpus().size())); }

uint64_t availableMemory() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  uint64_t kibibytes, available = UINT64_MAX, swap = 0;
  while (file >> name >> kibibytes) {
    if (name == "MemAvailable:")
      available = kibibytes * 1024;
    else if (name == "SwapFree:")
      swap = kibibytes * 1024;
    std::getline(file, unit);
  }
  return std::min(controlGroupLimits().memory, available == UINT64_MAX ? available : available + swap);
}

unsigned availableCores() {
  std::set<std::string> cores;
  for (int cpu : allowedCpus()) {
    std::ifstream file(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
    std::string siblings;
    // Where the topology is hidden every CPU counts as a core.
    cores.insert(std::getline(file, siblings) ? siblings : fmt::format("cpu{}", cpu));
  }
  double limit = std::ceil(controlGroupLimits().cpus);
  return static_cast<unsigned>(std::max(1.0, std::min<double>(static_cast<double>(cores.size()), limit)));
}

} // namespace quipu::cpu
