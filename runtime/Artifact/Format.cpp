#include "runtime/Artifact/Format.h"

#include "runtime/Support/Rounding.h"

#define XXH_INLINE_ALL
#include <cstring>
#include <xxhash.h>

namespace quipu {

namespace {

// Before the chunks and the file name.
struct WeightIndexHeader {
  uint32_t placement;
  uint32_t fileNameBytes;
  uint64_t weightBytes;
  uint64_t chunkCount;
};
static_assert(sizeof(WeightIndexHeader) == 24);
static_assert(sizeof(WeightChunk) == 24);

} // namespace

Digest digestOf(const void *data, size_t bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, bytes));
  Digest digest;
  static_assert(sizeof(digest) == sizeof(canonical));
  std::memcpy(digest.data(), &canonical, sizeof(digest));
  return digest;
}

std::string_view sectionName(SectionKind kind) {
  switch (kind) {
  case SectionKind::Program:
    return "program";
  case SectionKind::Code:
    return "code";
  case SectionKind::Tokenizer:
    return "tokenizer";
  case SectionKind::WeightIndex:
    return "weight_index";
  case SectionKind::Weights:
    return "weights";
  case SectionKind::Checks:
    return "checks";
  }
  return "";
}

uint64_t alignSection(SectionKind kind, uint64_t offset) {
  uint64_t alignment = kind == SectionKind::Weights ? weightsAlignment : 64;
  return roundUp(offset, alignment);
}

std::string encodeWeightIndex(const WeightIndex &index) {
  WeightIndexHeader header{static_cast<uint32_t>(index.placement), static_cast<uint32_t>(index.fileName.size()),
                           index.bytes, index.chunks.size()};
  std::string bytes(reinterpret_cast<const char *>(&header), sizeof(header));
  bytes.append(reinterpret_cast<const char *>(index.chunks.data()), index.chunks.size() * sizeof(WeightChunk));
  return bytes + index.fileName;
}

Expected<WeightIndex> decodeWeightIndex(std::string_view bytes) {
  WeightIndexHeader header;
  if (bytes.size() < sizeof(header))
    return makeError("weight index is too short");
  std::memcpy(&header, bytes.data(), sizeof(header));
  bytes.remove_prefix(sizeof(header));
  if (header.placement > static_cast<uint32_t>(WeightPlacement::None))
    return makeError("weight index has unknown placement {}", header.placement);
  if (header.chunkCount > bytes.size() / sizeof(WeightChunk) ||
      bytes.size() - header.chunkCount * sizeof(WeightChunk) != header.fileNameBytes)
    return makeError("weight index has a size that does not fit its {} chunks", header.chunkCount);

  WeightIndex index;
  index.placement = static_cast<WeightPlacement>(header.placement);
  index.bytes = header.weightBytes;
  index.chunks.resize(header.chunkCount);
  if (!index.chunks.empty())
    std::memcpy(index.chunks.data(), bytes.data(), header.chunkCount * sizeof(WeightChunk));
  index.fileName = bytes.substr(header.chunkCount * sizeof(WeightChunk));

  uint64_t covered = 0;
  for (const WeightChunk &chunk : index.chunks) {
    if (chunk.bytes == 0 || chunk.bytes > index.bytes - covered)
      return makeError("weight index has chunks that do not fit its {} bytes of weights", index.bytes);
    covered += chunk.bytes;
  }
  bool present = index.placement != WeightPlacement::None;
  if (covered != (present ? index.bytes : 0))
    return makeError("weight index has chunks that do not cover its {} bytes of weights", index.bytes);
  bool named = index.placement == WeightPlacement::File;
  if (named != !index.fileName.empty() || index.fileName.find('/') != std::string::npos ||
      index.fileName.find('\0') != std::string::npos || index.fileName == "." || index.fileName == "..")
    return makeError("weight index does not name a file beside the artifact");
  return index;
}

} // namespace quipu
