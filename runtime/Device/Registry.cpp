#include "runtime/Device/Cpu/CpuDevice.h"
#include "runtime/Device/Device.h"
#include "runtime/Device/Null/NullDevice.h"

#include <array>

namespace quipu {

namespace {

struct Row {
  std::string_view name;
  Expected<std::unique_ptr<Device>> (*open)();
};

// A backend is one word, the same here, in its folder and in the names of its targets.
constexpr std::array<Row, 2> rows = {{
    {"cpu", openCpuDevice},
    {"null", openNullDevice},
}};

} // namespace

Expected<std::unique_ptr<Device>> openDevice(const std::string &name) {
  for (const Row &row : rows)
    if (row.name == name)
      return row.open();
  return makeError("device '{}' is unknown: there are {}", name, fmt::join(deviceNames(), ", "));
}

std::vector<std::string> deviceNames() {
  std::vector<std::string> names;
  for (const Row &row : rows)
    names.emplace_back(row.name);
  return names;
}

} // namespace quipu
