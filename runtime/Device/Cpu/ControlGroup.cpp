#include "runtime/Device/Cpu/ControlGroup.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace quipu::cpu {

namespace {

// "max" is no number: no limit.
uint64_t readBytes(const std::string &file, uint64_t otherwise) {
  uint64_t bytes = 0;
  return std::ifstream(file) >> bytes ? bytes : otherwise;
}

// Bytes that the group and those within it hold for files and that the system drops when memory is asked for. Memory
// that is shared (tmpfs) counts as a file's elsewhere in memory.stat, but not in these two lists.
uint64_t fileCacheBytes(const std::string &group, const std::string &prefix) {
  std::ifstream file(group + "/memory.stat");
  uint64_t cache = 0, bytes;
  for (std::string name; file >> name >> bytes;)
    if (name == prefix + "inactive_file" || name == prefix + "active_file")
      cache += bytes;
  return cache;
}

void limitMemory(uint64_t limit, uint64_t used, uint64_t cache, ControlGroupLimits &limits) {
  if (limit == UINT64_MAX)
    return;
  used -= std::min(used, cache);
  limits.memory = std::min(limits.memory, limit - std::min(limit, used));
}

void limitCpus(double quota, double period, ControlGroupLimits &limits) {
  if (quota > 0 && period > 0)
    limits.cpus = std::min(limits.cpus, quota / period);
}

void readVersion2(const std::string &group, ControlGroupLimits &limits) {
  // Above memory.high the system slows the group down until it has given memory back.
  uint64_t limit =
      std::min(readBytes(group + "/memory.max", UINT64_MAX), readBytes(group + "/memory.high", UINT64_MAX));
  limitMemory(limit, readBytes(group + "/memory.current", 0), fileCacheBytes(group, ""), limits);
  std::string quota;
  double period = 0;
  if (std::ifstream(group + "/cpu.max") >> quota >> period && quota != "max")
    limitCpus(std::strtod(quota.c_str(), nullptr), period, limits);
}

void readVersion1(const std::string &controller, const std::string &group, ControlGroupLimits &limits) {
  if (controller == "memory")
    limitMemory(readBytes(group + "/memory.limit_in_bytes", UINT64_MAX), readBytes(group + "/memory.usage_in_bytes", 0),
                fileCacheBytes(group, "total_"), limits);
  double quota = 0, period = 0; // a quota of -1: none
  if (controller == "cpu" && std::ifstream(group + "/cpu.cfs_quota_us") >> quota &&
      std::ifstream(group + "/cpu.cfs_period_us") >> period)
    limitCpus(quota, period, limits);
}

// Calls read for the group at `path` below `top`, and for each around it: "/a/b", "/a", "".
template <typename Read> void forGroupsAround(const std::string &top, std::string path, Read read) {
  while (!path.empty() && path.back() == '/')
    path.pop_back();
  for (;; path.resize(path.rfind('/'))) {
    read(top + path);
    if (path.rfind('/') == std::string::npos)
      return;
  }
}

} // namespace

ControlGroupLimits controlGroupLimits(const std::string &membership, const std::string &mount) {
  ControlGroupLimits limits;
  std::ifstream file(membership);
  std::string line;
  while (std::getline(file, line)) { // "0::/user.slice/a.scope", version 1: "4:cpu,cpuacct:/docker/b"
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) {
      for (const char *tree : {"", "/unified"}) // the latter beside trees of version 1
        forGroupsAround(mount + tree, path, [&](const std::string &group) { readVersion2(group, limits); });
      continue;
    }
    for (const char *controller : {"cpu", "memory"})
      if (("," + controllers + ",").find(std::string(",") + controller + ",") != std::string::npos)
        forGroupsAround(mount + "/" + controller, path,
                        [&](const std::string &group) { readVersion1(controller, group, limits); });
  }
  return limits;
}

} // namespace quipu::cpu
