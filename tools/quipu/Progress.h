// A progress bar on the terminal, and nothing at all where stderr is not one.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace quipu::tool {

class Progress {
public:
  Progress();
  ~Progress() { clear(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  // Draws "what [=====>    ] 42 %", at most ten times a second. `total` 0: only the text.
  void show(const std::string &what, uint64_t done, uint64_t total);
  // Wipes the line, before anything else is printed.
  void clear();

private:
  bool isTerminal;
  bool drawn = false;
  std::chrono::steady_clock::time_point last;
};

} // namespace quipu::tool
