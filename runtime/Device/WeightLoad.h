#pragma once

#include "runtime/Artifact/Artifact.h"

#include <functional>

namespace quipu {

// Reads all weights of an artifact to `to`, laid out as the weights section, with several threads; every chunk is
// checked. `progress` is called with bytes done and in all, one call at a time.
Expected<void> loadWeights(const Artifact &artifact, std::byte *to, unsigned threads,
                           const std::function<void(uint64_t, uint64_t)> &progress);

} // namespace quipu
