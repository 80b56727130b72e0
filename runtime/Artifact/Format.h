// The bytes of a .qpu artifact. Everything is little endian.
//
//   header         64 bytes
//   section table  one entry a section, in the order of the file
//   sections       each at a multiple of its alignment; the bytes between sections are zero
//
// There is one program (FlatBuffers, Program.fbs), one code section a target program (what its device loads: a shared
// object, or a bundle of GPU code), one tokenizer (may be empty), one weight index, in a conformance artifact one list
// of checks (FlatBuffers, Checks.fbs), and with embedded weights one weights section, page aligned and last. The weight
// index says where the weights are and holds a digest for each chunk of them, so that chunks are checked by several
// threads while they are read. Digests are XXH3-128: they find damage, they do not prove who wrote the file.
#pragma once

#include "runtime/Support/Error.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

constexpr std::array<char, 8> artifactMagic = {'Q', 'U', 'I', 'P', 'U', '\r', '\n', '\x1a'};
constexpr uint32_t artifactVersion = 2;
constexpr uint64_t weightsAlignment = 4096; // of the weights section in the file
constexpr uint64_t weightAlignment = 64;    // of each weight in the section

using Digest = std::array<std::byte, 16>;
Digest digestOf(const void *data, size_t bytes);

struct ArtifactHeader {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t sectionCount;
  uint64_t fileSize;
  Digest digest; // of header and section table, taken with this field zero
  std::array<std::byte, 24> reserved;
};
static_assert(sizeof(ArtifactHeader) == 64);

enum class SectionKind : uint32_t { Program = 1, Code = 2, Tokenizer = 3, WeightIndex = 4, Weights = 5, Checks = 6 };

std::string_view sectionName(SectionKind kind); // "weight_index"; empty where the kind is unknown

struct SectionEntry {
  SectionKind kind;
  uint32_t index; // of a code section: what TargetProgram.code_section names; 0 for the others
  uint64_t offset;
  uint64_t size;
  Digest digest; // zero for the weights section, whose chunks have theirs in the weight index
};
static_assert(sizeof(SectionEntry) == 40);

// Where a section that starts no earlier than `offset` starts.
uint64_t alignSection(SectionKind kind, uint64_t offset);

// Where the weights are: in the artifact, in a file beside it, nowhere (an artifact to look into or to measure).
enum class WeightPlacement : uint32_t { Embed = 0, File = 1, None = 2 };

struct WeightChunk {
  uint64_t bytes;
  Digest digest;
};

struct WeightIndex {
  WeightPlacement placement = WeightPlacement::None;
  uint64_t bytes = 0;              // of all weights with the padding between them
  std::vector<WeightChunk> chunks; // in order and without gaps; none where the weights are nowhere
  std::string fileName;            // of the file beside the artifact, without a folder
};

std::string encodeWeightIndex(const WeightIndex &index);
// Error messages lack the file's name: the caller puts it in front.
Expected<WeightIndex> decodeWeightIndex(std::string_view bytes);

} // namespace quipu
