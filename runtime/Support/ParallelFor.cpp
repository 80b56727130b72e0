#include "runtime/Support/ParallelFor.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace quipu {

void parallelFor(size_t count, const std::function<void(size_t)> &body, unsigned threads) {
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < count; i = next++)
      body(i);
  };
  size_t wanted = std::min<size_t>(count, threads ? threads : std::max(1u, std::thread::hardware_concurrency()));
  std::vector<std::thread> others;
  others.reserve(wanted);
  try {
    while (others.size() + 1 < wanted)
      others.emplace_back(work);
  } catch (const std::system_error &) {
    wanted = others.size() + 1; // the system grants no more threads: those there are do all of it
  }
  work();
  for (std::thread &other : others)
    other.join();
}

Expected<void> tryParallelFor(size_t count, const std::function<Expected<void>(size_t)> &body, unsigned threads,
                              const std::function<void(size_t)> &finished) {
  std::atomic<bool> failed{false};
  std::mutex mutex; // of the result and of `finished`
  Expected<void> result;
  auto tryPiece = [&](size_t index) {
    if (failed)
      return;
    Expected<void> done = body(index);
    std::lock_guard<std::mutex> lock(mutex);
    if (!done && result) {
      result = std::move(done);
      failed = true;
    } else if (done && finished) {
      finished(index);
    }
  };
  parallelFor(count, tryPiece, threads);
  return result;
}

} // namespace quipu
