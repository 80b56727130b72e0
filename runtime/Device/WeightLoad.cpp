#include "runtime/Device/WeightLoad.h"

#include "runtime/Device/RandomWeights.h"
#include "runtime/Support/ParallelFor.h"
#include "runtime/Support/Rounding.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>

namespace quipu {

namespace {

// A chunk of the weights section, or of one weight where its numbers are made here.
struct Job {
  size_t chunk;
  uint64_t bytes;
  uint32_t weight; // whose numbers are made
  std::vector<WeightPiece> pieces;
};

// Chunks and placed weights both ascend: one pass finds what they share.
std::vector<Job> jobsOf(const Artifact &artifact, const MemoryPlan &plan) {
  const auto &weights = artifact.program().weights();
  std::vector<Job> jobs;
  size_t next = 0; // the first weight that does not end before the chunk
  uint64_t begin = 0;
  const std::vector<WeightChunk> &chunks = artifact.weightIndex().chunks;
  for (size_t i = 0; i < chunks.size(); begin += chunks[i].bytes, ++i) {
    uint64_t end = begin + chunks[i].bytes;
    Job job = {i, chunks[i].bytes, 0, {}};
    for (size_t w = next; w < plan.placedWeights.size(); ++w) {
      const PlacedWeight &placed = plan.placedWeights[w];
      uint64_t offset = weights->Get(placed.weight)->offset();
      if (offset >= end)
        break;
      uint64_t first = std::max(begin, offset), last = std::min(end, offset + placed.place.bytes);
      if (offset + placed.place.bytes <= end)
        next = w + 1;
      if (first < last)
        job.pieces.push_back({first - begin, placed.place.offset + first - offset, last - first});
    }
    if (!job.pieces.empty())
      jobs.push_back(std::move(job));
  }
  return jobs;
}

std::vector<Job> randomJobsOf(const MemoryPlan &plan) {
  std::vector<Job> jobs;
  for (const PlacedWeight &placed : plan.placedWeights)
    for (uint64_t done = 0; done < placed.place.bytes; done += randomPieceBytes) {
      uint64_t bytes = std::min(randomPieceBytes, placed.place.bytes - done);
      jobs.push_back({jobs.size(), bytes, placed.weight, {{0, placed.place.offset + done, bytes}}});
    }
  return jobs;
}

// Whether a chunk's bytes lie in the block as they lie in the chunk, but for the padding between and behind weights.
bool isInPlace(uint64_t bytes, const std::vector<WeightPiece> &pieces) {
  if (pieces.empty() || pieces.front().from != 0 ||
      bytes - (pieces.back().from + pieces.back().bytes) >= weightAlignment)
    return false;
  return std::all_of(pieces.begin(), pieces.end(), [&](const WeightPiece &piece) {
    return piece.to - piece.from == pieces.front().to - pieces.front().from;
  });
}

Expected<void> runJobs(const std::vector<Job> &jobs, const WeightLoadOptions &options,
                       const std::function<Expected<void>(size_t)> &run) {
  uint64_t total = 0, done = 0;
  for (const Job &job : jobs)
    total += job.bytes;
  return tryParallelFor(jobs.size(), run, options.threads, [&](size_t index) {
    done += jobs[index].bytes;
    if (options.progress)
      options.progress(done, total);
  });
}

} // namespace

Expected<std::byte *> HostWeightSink::take(uint64_t chunkBytes, const std::vector<WeightPiece> &pieces) {
  if (isInPlace(chunkBytes, pieces))
    return block + pieces.front().to;
  auto *memory = static_cast<std::byte *>(std::malloc(chunkBytes));
  if (!memory)
    return makeError("{} MiB of memory to read weights into cannot be had", chunkBytes >> 20);
  return memory;
}

Expected<void> HostWeightSink::deliver(std::byte *chunk, const std::vector<WeightPiece> &pieces) {
  if (std::greater_equal<>()(chunk, block) && std::less<>()(chunk, block + bytes))
    return {};
  for (const WeightPiece &piece : pieces)
    std::memcpy(block + piece.to, chunk + piece.from, piece.bytes);
  std::free(chunk);
  return {};
}

uint64_t largestWeightChunk(const Artifact &artifact, const MemoryPlan &plan, bool random) {
  uint64_t largest = 0;
  for (const Job &job : random ? randomJobsOf(plan) : jobsOf(artifact, plan))
    largest = std::max(largest, job.bytes);
  return largest;
}

Expected<void> loadWeights(const Artifact &artifact, const MemoryPlan &plan, WeightSink &sink,
                           const WeightLoadOptions &options) {
  if (plan.placedWeights.empty())
    return {};
  std::optional<WeightReader> reader;
  std::optional<RandomWeights> random;
  if (options.random) {
    random.emplace();
  } else {
    Expected<WeightReader> opened = WeightReader::open(artifact);
    if (!opened)
      return passError(std::move(opened));
    reader = std::move(*opened);
  }
  std::vector<Job> jobs = options.random ? randomJobsOf(plan) : jobsOf(artifact, plan);
  auto load = [&](size_t index) -> Expected<void> {
    const Job &job = jobs[index];
    Expected<std::byte *> memory = sink.take(job.bytes, job.pieces);
    if (!memory)
      return passError(std::move(memory));
    if (random) {
      random->fill(artifact.program().weights()->Get(job.weight)->dtype(), job.chunk, *memory, job.bytes);
    } else if (Expected<void> read = reader->read(job.chunk, *memory); !read) {
      (void)sink.deliver(*memory, {});
      return read;
    }
    return sink.deliver(*memory, job.pieces);
  };
  return runJobs(jobs, options, load);
}

Expected<void> mapWeights(const Artifact &artifact, const MemoryPlan &plan, std::byte *block,
                          const WeightLoadOptions &options) {
  if (plan.placedWeights.empty())
    return {};
  // The last page may hold more than the weights: the mapping is private, and the block's next part begins behind it.
  constexpr uint64_t page = 4096;
  bool inPlace = artifact.weightIndex().bytes <= roundUp(plan.weights.bytes, page);
  for (const PlacedWeight &placed : plan.placedWeights)
    inPlace &= placed.place.offset == plan.weights.offset + artifact.program().weights()->Get(placed.weight)->offset();
  if (!inPlace)
    return makeError("{}: weights of other targets lie among those of this one, so they cannot be mapped; load "
                     "without --map-weights, or compile for one target",
                     artifact.path());
  Expected<WeightReader> reader = WeightReader::open(artifact);
  if (!reader)
    return passError(std::move(reader));
  std::byte *weights = block + plan.weights.offset;
  if (Expected<void> mapped = reader->map(weights); !mapped)
    return mapped;
  std::vector<Job> jobs = jobsOf(artifact, plan);
  return runJobs(jobs, options, [&](size_t index) {
    return reader->check(jobs[index].chunk, weights + reader->chunkOffset(jobs[index].chunk));
  });
}

} // namespace quipu
