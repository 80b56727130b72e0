#include "runtime/Artifact/Writer/WeightWriter.h"

#include "runtime/Artifact/WeightLayout.h"
#include "runtime/Support/ParallelFor.h"

#include <algorithm>

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
                         std::byte *bytes) {
  for (const Piece &piece : chunk.pieces) {
    uint64_t at = program.weights[piece.weight]->offset + piece.begin - chunk.offset;
    if (Expected<void> result = packWeight(piece.weight, piece.begin, bytes + at, piece.bytes); !result)
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
  uint64_t total = chunks->empty() ? 0 : chunks->back().offset + chunks->back().bytes, done = 0;
  auto write = [&](size_t index) -> Expected<void> {
    const Chunk &chunk = (*chunks)[index];
    std::vector<std::byte> bytes(chunk.bytes);
    if (Expected<void> packed = packChunk(chunk, program, packWeight, bytes.data()); !packed)
      return packed;
    written[index] = {chunk.bytes, digestOf(bytes.data(), bytes.size())};
    return file.writeAt(offset + chunk.offset, bytes.data(), bytes.size());
  };
  auto finished = [&](size_t index) {
    done += (*chunks)[index].bytes;
    if (options.progress)
      options.progress(done, total);
  };
  if (Expected<void> result = tryParallelFor(chunks->size(), write, options.threads, finished); !result)
    return passError(std::move(result));
  return written;
}

} // namespace quipu
