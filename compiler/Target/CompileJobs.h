// Kernels compile independently of each other, on several threads.
#pragma once

#include "runtime/Support/Error.h"

#include <cstddef>
#include <functional>

namespace quipu {

// Called from the compiling threads, one at a time.
using CompileProgress = std::function<void(size_t done, size_t all)>;

// Runs jobs 0 to count - 1, each once, on `threads` threads (0: one for each core). Each thread makes itself a worker,
// a function that does one job; a worker keeps what is costly to make and must not be shared. All jobs are tried; the
// error is that of the first job by number, whoever met it first, and so the same in every run. Progress counts `done`
// more jobs, which need no work.
Expected<> runCompileJobs(size_t count, const std::function<std::function<Expected<>(size_t job)>()> &makeWorker,
                          int threads, const CompileProgress &progress, size_t done);

} // namespace quipu
