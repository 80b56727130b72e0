#include "runtime/Device/WeightLoad.h"

#include "runtime/Support/ParallelFor.h"

#include <mutex>

namespace quipu {

Expected<void> loadWeights(const Artifact &artifact, std::byte *to, unsigned threads,
                           const std::function<void(uint64_t, uint64_t)> &progress) {
  Expected<WeightReader> reader = WeightReader::open(artifact);
  if (!reader)
    return passError(std::move(reader));
  std::mutex mutex; // of what follows
  Expected<void> result;
  uint64_t done = 0;
  auto work = [&](size_t chunk) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (!result)
        return;
    }
    Expected<void> read = reader->read(chunk, to + reader->chunkOffset(chunk));
    std::lock_guard<std::mutex> lock(mutex);
    if (!read && result)
      result = std::move(read);
    done += reader->chunkBytes(chunk);
    if (result && progress)
      progress(done, artifact.weightIndex().bytes);
  };
  parallelFor(reader->chunkCount(), work, threads);
  return result;
}

} // namespace quipu
