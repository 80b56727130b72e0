#include "runtime/Device/Device.h"
#include "tools/quipu/Command.h"

namespace quipu::tool {

static Expected<> devices() {
  for (const FoundDevice &device : findDevices())
    fmt::print("{:<8} {}\n", device.name, device.present ? device.description : "none: " + device.description);
  return {};
}

void addDevices(CLI::App &app, Action &action) {
  CLI::App *command = app.add_subcommand("devices", "List the devices of this machine");
  command->callback([&action] { action = devices; });
}

} // namespace quipu::tool
