// A loaded .qpu artifact: everything but the weights in memory, and all of it checked.
#pragma once

#include "runtime/Artifact/Format.h"
#include "runtime/Artifact/Program_generated.h"
#include "runtime/Support/Error.h"
#include "runtime/Support/InputFile.h"

#include <string>
#include <string_view>
#include <vector>

namespace quipu {

struct ArtifactOpenOptions {
  // A fuzzer turns this off to reach what lies behind the digests.
  bool checkDigests = true;
};

class Artifact {
public:
  // Checks magic, version, bounds, order and digests of the sections, the program's FlatBuffers form and its meaning
  // (ProgramChecks.h). Weights are checked when they are read.
  static Expected<Artifact> open(const std::string &path, const ArtifactOpenOptions &options = {});

  const std::string &path() const { return file.path(); }
  uint64_t fileSize() const { return file.size(); }
  const fb::Program &program() const { return *fb::GetProgram(sectionBytes[programSection].data()); }
  uint32_t codeCount() const { return static_cast<uint32_t>(codeSections.size()); }
  std::string_view code(uint32_t index) const { return sectionBytes[codeSections[index]]; }
  std::string_view tokenizer() const { return sectionBytes[tokenizerSection]; } // empty: none
  std::string_view checks() const { return sectionBytes[checksSection]; }       // empty: none; CheckList.h reads them
  const WeightIndex &weightIndex() const { return weights; }
  const std::vector<SectionEntry> &sections() const { return table; }

private:
  friend class WeightReader;
  Expected<void> readTable();
  Expected<void> checkPlaces() const;
  Expected<void> readSections();

  InputFile file;
  ArtifactOpenOptions options;
  std::vector<SectionEntry> table;
  std::vector<std::string> sectionBytes; // as `table`; empty for the weights
  size_t programSection = 0;
  size_t tokenizerSection = 0;
  size_t checksSection = 0;
  std::vector<size_t> codeSections;
  uint64_t weightsOffset = 0; // in this file, where it has them
  WeightIndex weights;
};

// Reads the weights of an artifact chunk by chunk, wherever they are.
class WeightReader {
public:
  // An error where the artifact has no weights, or the file beside it is absent or of another size. The artifact must
  // outlive the reader.
  static Expected<WeightReader> open(const Artifact &artifact);

  size_t chunkCount() const { return offsets.size(); }
  uint64_t chunkOffset(size_t chunk) const { return offsets[chunk]; } // in the weights section
  uint64_t chunkBytes(size_t chunk) const { return artifact->weights.chunks[chunk].bytes; }
  // Reads a chunk and checks its digest; threads may read at the same time.
  Expected<void> read(size_t chunk, std::byte *to) const;
  // Maps all chunks, as they lie in the section, to the page-aligned `to` (InputFile::mapAt).
  Expected<void> map(std::byte *to) const;
  // Checks the digest of a chunk that is in memory.
  Expected<void> check(size_t chunk, const std::byte *bytes) const;

private:
  const InputFile &from() const;
  uint64_t fileOffset(size_t chunk) const;

  const Artifact *artifact = nullptr;
  InputFile beside; // open where the weights are in a file of their own
  std::vector<uint64_t> offsets;
};

} // namespace quipu
