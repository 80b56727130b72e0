#include "compiler/Target/CompileJobs.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace quipu {

Expected<> runCompileJobs(size_t count, const std::function<std::function<Expected<>(size_t job)>()> &makeWorker,
                          int threads, const CompileProgress &progress, size_t done) {
  size_t all = done + count;
  std::vector<std::string> errors(count);
  std::atomic<size_t> next{0};
  std::mutex progressLock;
  auto work = [&] {
    std::function<Expected<>(size_t)> worker = makeWorker();
    for (size_t job = next++; job < count; job = next++) {
      if (Expected<> result = worker(job); !result)
        errors[job] = result.error().message;
      std::lock_guard<std::mutex> lock(progressLock);
      ++done;
      if (progress)
        progress(done, all);
    }
  };
  size_t wanted = threads > 0 ? size_t(threads) : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> running;
  for (size_t i = 0; i < std::min(wanted, count); ++i)
    running.emplace_back(work);
  for (std::thread &thread : running)
    thread.join();
  for (const std::string &error : errors)
    if (!error.empty())
      return makeError("{}", error);
  return {};
}

} // namespace quipu
