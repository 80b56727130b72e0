// A loop over independent pieces on all cores, for work done once: hashing, packing, writing. (Steps of a model run on
// the engine's persistent pool.)
#pragma once

#include "runtime/Support/Error.h"

#include <cstddef>
#include <functional>

namespace quipu {

// Calls body(0) ... body(count - 1), each once, in no order, on the calling thread and at most threads - 1 others (0:
// as many as the machine has cores), and returns when all are done. Pieces should be of a millisecond or more. `body`
// must not throw.
void parallelFor(size_t count, const std::function<void(size_t)> &body, unsigned threads = 0);

// The same for pieces that may fail: after the first error no piece is begun, and that error is returned. `finished` is
// called for each piece that has not failed, one call at a time.
Expected<void> tryParallelFor(size_t count, const std::function<Expected<void>(size_t)> &body, unsigned threads = 0,
                              const std::function<void(size_t)> &finished = {});

} // namespace quipu
