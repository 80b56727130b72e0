#include "runtime/Device/Hip/FaultReports.h"

#include <fmt/format.h>
#include <map>
#include <mutex>

namespace quipu::hip {

namespace {

// Declared from the documentation of hsa_amd_register_system_event_handler, a function of the library below HIP's.
constexpr int memoryFaultEvent = 0;
struct SystemEvent {
  int type;
  uint64_t agent;
  uint64_t address; // of a memory fault
};
using Handler = unsigned (*)(const void *event, void *data); // a SystemEvent
using RegisterHandler = unsigned (*)(Handler handler, void *data);
// That the event is not dealt with: the process ends as without a handler, for its queues are dead.
constexpr unsigned notHandled = 0x1000;

struct Reports {
  std::mutex mutex;
  bool listening = false;
  std::map<const void *, std::function<std::string()>> byProgram;
};

// Never destroyed: a fault may come while the process ends.
Reports &reports() {
  static Reports &all = *new Reports;
  return all;
}

unsigned report(const void *about, void *) {
  const auto *event = static_cast<const SystemEvent *>(about);
  if (event->type != memoryFaultEvent)
    return notHandled;
  std::lock_guard<std::mutex> lock(reports().mutex);
  for (const auto &[program, whatRan] : reports().byProgram)
    if (std::string ran = whatRan(); !ran.empty())
      fmt::print(stderr, "quipu: {}: memory access fault at {:#x}\n", ran, event->address);
  return notHandled;
}

} // namespace

void listenForFaults(const gpu::DriverLibrary &library) {
  auto listen = reinterpret_cast<RegisterHandler>(library.find("hsa_amd_register_system_event_handler"));
  std::lock_guard<std::mutex> lock(reports().mutex);
  if (listen && !reports().listening)
    reports().listening = listen(report, nullptr) == 0;
}

void reportFaults(const void *program, const std::function<std::string()> &whatRan) {
  std::lock_guard<std::mutex> lock(reports().mutex);
  if (whatRan)
    reports().byProgram[program] = whatRan;
  else
    reports().byProgram.erase(program);
}

} // namespace quipu::hip
