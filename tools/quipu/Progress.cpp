#include "tools/quipu/Progress.h"

#include <fmt/format.h>
#include <unistd.h>

namespace quipu::tool {

Progress::Progress() : isTerminal(isatty(STDERR_FILENO) == 1) {}

void Progress::show(const std::string &what, uint64_t done, uint64_t total) {
  auto now = std::chrono::steady_clock::now();
  if (!isTerminal || (drawn && done < total && now - last < std::chrono::milliseconds(100)))
    return;
  last = now;
  drawn = true;
  constexpr size_t width = 30;
  if (total == 0) {
    fmt::print(stderr, "\r\033[K{}", what);
  } else {
    size_t filled = static_cast<size_t>(static_cast<double>(done) / static_cast<double>(total) * width);
    fmt::print(stderr, "\r\033[K{} [{:=<{}}{:{}}] {:3.0f} %", what, "", filled, "", width - filled,
               100.0 * static_cast<double>(done) / static_cast<double>(total));
  }
  std::fflush(stderr);
}

void Progress::clear() {
  if (!drawn)
    return;
  fmt::print(stderr, "\r\033[K");
  drawn = false;
}

} // namespace quipu::tool
