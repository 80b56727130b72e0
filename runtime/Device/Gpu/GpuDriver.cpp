#include "runtime/Device/Gpu/GpuDriver.h"

#include <chrono>
#include <thread>

namespace quipu::gpu {

Expected<void> waitFor(GpuDriver &driver, Event event, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr auto spin = std::chrono::milliseconds(20);
  constexpr auto nap = std::chrono::microseconds(50);
  Clock::time_point started = Clock::now();
  for (;;) {
    Expected<bool> done = driver.isDone(event);
    if (!done)
      return passError(std::move(done));
    if (*done)
      return {};
    Clock::duration waited = Clock::now() - started;
    if (driver.isAbandoned() || std::chrono::duration<double>(waited).count() > seconds) {
      driver.abandon();
      return makeError("it has not answered for {} s", seconds);
    }
    if (waited > spin)
      std::this_thread::sleep_for(nap);
  }
}

} // namespace quipu::gpu
