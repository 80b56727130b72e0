// Writes a .qpu artifact. The same contents give the same bytes, whatever the number of threads.
#pragma once

#include "runtime/Artifact/Format.h"
#include "runtime/Artifact/Program_generated.h"
#include "runtime/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace quipu {

// Packs bytes [begin, begin + bytes) of a weight, in its packed layout, into `out` (filled with zeros before). Both
// ends are multiples of the weight's granule (WeightLayout.h). Called from several threads at once.
using PackWeight = std::function<Expected<void>(uint32_t weight, uint64_t begin, std::byte *out, uint64_t bytes)>;

struct ArtifactContents {
  fb::ProgramT program;          // offset and bytes of the weights are set by the writer
  std::vector<std::string> code; // what TargetProgram.code_section indexes: a shared object of a CPU, a bundle of a GPU
  std::string tokenizer;         // empty: the artifact takes token ids only
  std::string checks;            // of a conformance artifact (Checks.fbs); empty: no section
  PackWeight packWeight;         // not called for WeightPlacement::None
};

struct ArtifactWriterOptions {
  WeightPlacement placement = WeightPlacement::Embed;
  unsigned threads = 0;                                        // that pack weights; 0: one for each CPU
  std::function<void(uint64_t done, uint64_t total)> progress; // bytes of weights; called from one thread at a time
};

// With WeightPlacement::File the weights go beside `path`: model.qpu -> model.weights. On an error neither file is left
// behind, and files that had these names before are as they were.
Expected<void> writeArtifact(const std::string &path, ArtifactContents &&contents,
                             const ArtifactWriterOptions &options = {});

} // namespace quipu
