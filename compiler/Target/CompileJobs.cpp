#include "compiler/Target/CompileJobs.h"

#include "runtime/Support/ParallelFor.h"

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
  // A thread's turn. Where the system grants fewer threads, the turns that are left find no job.
  auto work = [&](size_t) {
    std::function<Expected<>(size_t)> worker;
    for (size_t job = next++; job < count; job = next++) {
      if (!worker)
        worker = makeWorker();
      if (Expected<> result = worker(job); !result)
        errors[job] = result.error().message;
      std::lock_guard<std::mutex> lock(progressLock);
      ++done;
      if (progress)
        progress(done, all);
    }
  };
  size_t wanted = threads > 0 ? size_t(threads) : std::max(1u, std::thread::hardware_concurrency());
  size_t turns = std::min(wanted, count);
  parallelFor(turns, work, unsigned(turns));
  for (const std::string &error : errors)
    if (!error.empty())
      return makeError("{}", error);
  return {};
}

} // namespace quipu
