#include "models/import/TensorDigest.h"

#include "models/import/Checkpoint.h"
#include "runtime/Support/ParallelFor.h"

#define XXH_INLINE_ALL
#include <algorithm>
#include <fmt/format.h>
#include <xxhash.h>

namespace quipu::models {

namespace {

constexpr size_t chunkBytes = 8 << 20;

struct Chunk {
  const std::byte *data;
  size_t bytes;
  XXH128_canonical_t hash;
};

// Integers go in as eight little-endian bytes, so that the digest is the same on every host.
void hashInteger(XXH3_state_t *state, uint64_t value) {
  unsigned char bytes[8];
  for (int i = 0; i < 8; ++i)
    bytes[i] = static_cast<unsigned char>(value >> (8 * i));
  XXH3_128bits_update(state, bytes, sizeof(bytes));
}

void hashText(XXH3_state_t *state, std::string_view text) {
  hashInteger(state, text.size());
  XXH3_128bits_update(state, text.data(), text.size());
}

} // namespace

std::string TensorDigest::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

TensorDigest digestTensors(const std::vector<TensorInfo> &tensors) {
  std::vector<Chunk> chunks;
  for (const TensorInfo &tensor : tensors)
    for (size_t begin = 0; begin < tensor.bytes; begin += chunkBytes)
      chunks.push_back({tensor.data + begin, std::min(chunkBytes, tensor.bytes - begin), {}});
  parallelFor(chunks.size(), [&](size_t i) {
    XXH128_canonicalFromHash(&chunks[i].hash, XXH3_128bits(chunks[i].data, chunks[i].bytes));
  });

  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  auto chunk = chunks.begin();
  for (const TensorInfo &tensor : tensors) {
    hashText(&state, tensor.name);
    hashText(&state, dtypeName(tensor.dtype));
    hashInteger(&state, tensor.shape.size());
    for (int64_t size : tensor.shape)
      hashInteger(&state, static_cast<uint64_t>(size));
    for (size_t begin = 0; begin < tensor.bytes; begin += chunkBytes, ++chunk)
      XXH3_128bits_update(&state, chunk->hash.digest, sizeof(chunk->hash.digest));
  }
  XXH128_hash_t hash = XXH3_128bits_digest(&state);
  return {hash.high64, hash.low64};
}

} // namespace quipu::models
