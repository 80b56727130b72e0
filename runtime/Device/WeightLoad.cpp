#include "runtime/Device/WeightLoad.h"

#include <atomic>
#include <mutex>
#include <thread>

namespace quipu {

Expected<void> loadWeights(const Artifact &artifact, std::byte *to, unsigned threads,
                           const std::function<void(uint64_t, uint64_t)> &progress) {
  Expected<WeightReader> reader = WeightReader::open(artifact);
  if (!reader)
    return passError(std::move(reader));
  std::atomic<size_t> next = 0;
  std::mutex mutex; // of what follows
  uint64_t done = 0;
  std::string error;
  auto work = [&] {
    for (;;) {
      size_t chunk = next.fetch_add(1);
      if (chunk >= reader->chunkCount())
        return;
      Expected<void> result = reader->read(chunk, to + reader->chunkOffset(chunk));
      std::lock_guard<std::mutex> lock(mutex);
      if (!result) {
        if (error.empty())
          error = result.error().message;
        next = reader->chunkCount(); // the other threads stop at their next chunk
        return;
      }
      done += reader->chunkBytes(chunk);
      if (progress)
        progress(done, artifact.weightIndex().bytes);
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads && i < reader->chunkCount(); ++i)
    others.emplace_back(work);
  work();
  for (std::thread &thread : others)
    thread.join();
  if (!error.empty())
    return makeError("{}", error);
  return {};
}

} // namespace quipu
