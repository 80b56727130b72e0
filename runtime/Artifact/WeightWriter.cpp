#include "runtime/Artifact/WeightWriter.h"

#include "runtime/Artifact/WeightLayout.h"
#include "runtime/Support/ParallelFor.h"

#include <algorithm>
#include <mutex>

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

Expected<void> packChunk(const Chunk &chunk, const fb::ProgramT &program, const PackWeight &packWeight,
                         std::vector<std::byte> &bytes) {
  for (const Piece &piece : chunk.pieces) {
    uint64_t at = program.weights[piece.weight]->offset + piece.begin - chunk.offset;
    if (Expected<void> result = packWeight(piece.weight, piece.begin, bytes.data() + at, piece.bytes); !result)
      return result;
  }
  return {};
}

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
  std::vector<WeightChunk> written(chunks->size());
  uint64_t total = chunks->empty() ? 0 : chunks->back().offset + chunks->back().bytes;
  std::mutex mutex; // of what follows
  Expected<void> result;
  uint64_t done = 0;
  auto work = [&](size_t index) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (!result)
        return;
    }
    const Chunk &chunk = (*chunks)[index];
    std::vector<std::byte> bytes(chunk.bytes);
    Expected<void> packed = packChunk(chunk, program, packWeight, bytes);
    written[index] = {chunk.bytes, digestOf(bytes.data(), bytes.size())};
    if (packed)
      packed = file.writeAt(offset + chunk.offset, bytes.data(), bytes.size());
    std::lock_guard<std::mutex> lock(mutex);
    if (!packed && result)
      result = std::move(packed);
    done += chunk.bytes;
    if (result && options.progress)
      options.progress(done, total);
  };
  parallelFor(chunks->size(), work, options.threads);
  if (!result)
    return passError(std::move(result));
  return written;
}

} // namespace quipu
