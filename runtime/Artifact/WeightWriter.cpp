#include "runtime/Artifact/WeightWriter.h"

#include "runtime/Artifact/WeightLayout.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace quipu {

namespace {

// Large enough for the digest and the disk, small enough for every thread to hold one; a granule may exceed it.
constexpr uint64_t chunkTarget = uint64_t(8) << 20;

// Granules of one weight that go into one chunk.
struct Piece {
  uint32_t weight;
  uint64_t begin; // in the weight
  uint64_t bytes;
};

struct Chunk {
  uint64_t offset; // in the weights section
  uint64_t bytes;
  std::vector<Piece> pieces;
};

// Divides the section into chunks of about chunkTarget bytes. A chunk reaches to the start of the next one, so the
// padding between weights belongs to the chunk before it.
Expected<std::vector<Chunk>> divideIntoChunks(const fb::ProgramT &program) {
  std::vector<Chunk> chunks;
  bool full = true;
  for (uint32_t index = 0; index < program.weights.size(); ++index) {
    const fb::WeightT &weight = *program.weights[index];
    Expected<WeightExtent> extent = weightExtent(weight.dtype, weight.shape, weight.layout);
    if (!extent)
      return makeError("weight '{}': {}", weight.name, extent.error().message);
    uint64_t done = 0;
    while (done < extent->bytes) {
      uint64_t start = weight.offset + done;
      if (full)
        chunks.push_back({start, 0, {}});
      Chunk &chunk = chunks.back();
      uint64_t used = start - chunk.offset;
      uint64_t room = used < chunkTarget ? chunkTarget - used : 0;
      uint64_t granules = std::max<uint64_t>(room / extent->granule, chunk.pieces.empty());
      if (granules == 0) {
        full = true;
        continue;
      }
      uint64_t bytes = std::min(granules * extent->granule, extent->bytes - done);
      chunk.pieces.push_back({index, done, bytes});
      chunk.bytes = used + bytes;
      done += bytes;
      full = chunk.bytes >= chunkTarget;
    }
  }
  for (size_t i = 1; i < chunks.size(); ++i)
    chunks[i - 1].bytes = chunks[i].offset - chunks[i - 1].offset;
  return chunks;
}

// What the threads share: the next chunk to take, and the first error.
class ChunkWriter {
public:
  ChunkWriter(OutputFile &file, uint64_t base, const fb::ProgramT &program, const PackWeight &packWeight,
              const ArtifactWriterOptions &options, const std::vector<Chunk> &chunks)
      : file(file), base(base), program(program), packWeight(packWeight), options(options), chunks(chunks),
        written(chunks.size()), total(chunks.empty() ? 0 : chunks.back().offset + chunks.back().bytes) {}

  void work() {
    std::vector<std::byte> buffer;
    for (;;) {
      size_t index = next.fetch_add(1);
      if (index >= chunks.size())
        return;
      Expected<void> result = writeChunk(index, buffer);
      std::lock_guard<std::mutex> lock(mutex);
      if (!result) {
        if (error.empty())
          error = result.error().message;
        next = chunks.size(); // the other threads stop at their next chunk
        return;
      }
      done += chunks[index].bytes;
      if (options.progress)
        options.progress(done, total);
    }
  }

  Expected<std::vector<WeightChunk>> take() {
    if (!error.empty())
      return makeError("{}", error);
    return std::move(written);
  }

private:
  Expected<void> writeChunk(size_t index, std::vector<std::byte> &buffer) {
    const Chunk &chunk = chunks[index];
    buffer.assign(chunk.bytes, std::byte(0));
    for (const Piece &piece : chunk.pieces) {
      uint64_t at = program.weights[piece.weight]->offset + piece.begin - chunk.offset;
      Expected<void> packed = packWeight(piece.weight, piece.begin, buffer.data() + at, piece.bytes);
      if (!packed)
        return packed;
    }
    written[index] = {chunk.bytes, digestOf(buffer.data(), buffer.size())};
    return file.writeAt(base + chunk.offset, buffer.data(), buffer.size());
  }

  OutputFile &file;
  uint64_t base;
  const fb::ProgramT &program;
  const PackWeight &packWeight;
  const ArtifactWriterOptions &options;
  const std::vector<Chunk> &chunks;
  std::vector<WeightChunk> written;
  uint64_t total;
  std::atomic<size_t> next = 0;
  std::mutex mutex; // of what follows
  uint64_t done = 0;
  std::string error;
};

} // namespace

Expected<uint64_t> countWeightChunks(const fb::ProgramT &program) {
  Expected<std::vector<Chunk>> chunks = divideIntoChunks(program);
  if (!chunks)
    return passError(std::move(chunks));
  return chunks->size();
}

Expected<std::vector<WeightChunk>> writeWeights(OutputFile &file, uint64_t offset, const fb::ProgramT &program,
                                                const PackWeight &packWeight, const ArtifactWriterOptions &options) {
  Expected<std::vector<Chunk>> chunks = divideIntoChunks(program);
  if (!chunks)
    return passError(std::move(chunks));
  ChunkWriter writer(file, offset, program, packWeight, options, *chunks);
  unsigned threads = options.threads ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads && i < chunks->size(); ++i)
    others.emplace_back([&writer] { writer.work(); });
  writer.work();
  for (std::thread &thread : others)
    thread.join();
  return writer.take();
}

} // namespace quipu
