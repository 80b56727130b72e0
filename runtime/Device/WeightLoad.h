// Weights on their way from the artifact to a device's block: read and checked chunk by chunk by several threads, then
// given to the device in pieces, one for each weight that its target names.
#pragma once

#include "runtime/Artifact/Artifact.h"
#include "runtime/Artifact/MemoryPlan.h"

#include <functional>
#include <vector>

namespace quipu {

// Bytes of a chunk and where they belong.
struct WeightPiece {
  uint64_t from; // in the chunk
  uint64_t to;   // in the block
  uint64_t bytes;
};

// Takes chunks to the block. Threads call it at the same time; each hands over what it took before it takes more.
class WeightSink {
public:
  virtual ~WeightSink() = default;

  // Memory to read a chunk of `bytes` into; waits until there is some.
  virtual Expected<std::byte *> take(uint64_t bytes, const std::vector<WeightPiece> &pieces) = 0;
  // Brings the pieces of what lies there to their places; with no pieces it only gives the memory back.
  virtual Expected<void> deliver(std::byte *chunk, const std::vector<WeightPiece> &pieces) = 0;
};

// A block in this process's memory: what is all for one place is read there at once.
class HostWeightSink : public WeightSink {
public:
  HostWeightSink(std::byte *block, uint64_t bytes) : block(block), bytes(bytes) {}
  Expected<std::byte *> take(uint64_t bytes, const std::vector<WeightPiece> &pieces) override;
  Expected<void> deliver(std::byte *chunk, const std::vector<WeightPiece> &pieces) override;

private:
  std::byte *block;
  uint64_t bytes;
};

struct WeightLoadOptions {
  unsigned threads = 0;
  bool random = false; // numbers made here, for an artifact whose weights are elsewhere: to measure speed with
  std::function<void(uint64_t done, uint64_t total)> progress; // bytes, one call at a time
};

// Gives the sink all weights of the plan. Chunks with none of them are not read.
Expected<void> loadWeights(const Artifact &artifact, const MemoryPlan &plan, WeightSink &sink,
                           const WeightLoadOptions &options);

// Maps the weights to where the plan has them in a page-aligned block, in place of a copy, and checks them. An error
// where they lie otherwise in the file, which has weights of other targets between them.
Expected<void> mapWeights(const Artifact &artifact, const MemoryPlan &plan, std::byte *block,
                          const WeightLoadOptions &options);

// The largest chunk that loadWeights takes memory for.
uint64_t largestWeightChunk(const Artifact &artifact, const MemoryPlan &plan, bool random);

} // namespace quipu
