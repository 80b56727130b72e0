#include "runtime/Device/Cpu/ControlGroup.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace quipu::cpu {

namespace {

// "max" is no number: no limit.
void limitMemory(const std::string &file, ControlGroupLimits &limits) {
  if (uint64_t bytes; std::ifstream(file) >> bytes)
    limits.memory = std::min(limits.memory, bytes);
}

void limitCpus(double quota, double period, ControlGroupLimits &limits) {
  if (quota > 0 && period > 0)
    limits.cpus = std::min(limits.cpus, quota / period);
}

void readVersion2(const std::string &group, ControlGroupLimits &limits) {
  limitMemory(group + "/memory.max", limits);
  std::string quota;
  double period = 0;
  if (std::ifstream(group + "/cpu.max") >> quota >> period && quota != "max")
    limitCpus(std::strtod(quota.c_str(), nullptr), period, limits);
}

void readVersion1(const std::string &controller, const std::string &group, ControlGroupLimits &limits) {
  if (controller == "memory")
    limitMemory(group + "/memory.limit_in_bytes", limits);
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
      forGroupsAround(mount, path, [&](const std::string &group) { readVersion2(group, limits); });
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
