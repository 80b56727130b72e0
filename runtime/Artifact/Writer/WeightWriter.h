// The part of the artifact writer that packs and writes weights: divided into chunks, each packed, digested and written
// by one thread, so that a model larger than memory passes through.
#pragma once

#include "runtime/Artifact/Writer/ArtifactWriter.h"
#include "runtime/Support/OutputFile.h"

namespace quipu {

// Writes the placed weights of `program` at `offset` of the file and returns the digests of the chunks in order.
Expected<std::vector<WeightChunk>> writeWeights(OutputFile &file, uint64_t offset, const fb::ProgramT &program,
                                                const PackWeight &packWeight, const ArtifactWriterOptions &options);

// How many chunks writeWeights gives; what an index takes is known before the weights are packed.
Expected<uint64_t> countWeightChunks(const fb::ProgramT &program);

} // namespace quipu
