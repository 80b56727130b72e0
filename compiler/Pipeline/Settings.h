// What a compile request means for this checkpoint: its defaults filled in, its values checked.
#pragma once

#include "compiler/Pipeline/PhasePasses.h"
#include "models/Family.h"
#include "models/import/Checkpoint.h"
#include "runtime/Support/Error.h"

#include <string>
#include <vector>

namespace quipu {

// The part of a request that decides the passes; a compile and a verification have it in common.
struct PhaseRequest {
  std::vector<std::string> targets;   // "cpu", "cpu:x86-64-v3"; empty: "cpu"
  std::string storage;                // name of a storage format; empty: as the checkpoint
  std::vector<std::string> storageOf; // PATTERN=FORMAT, for the matrices of these names
  std::string kvStorage;              // "f32", "f16", "bf16", "i8"; empty: bf16, or f32 where every matrix is f32
  uint32_t maxContext = 0;            // 0: the model's limit, at most 4096
  uint32_t maxSequences = 0;          // 0: 8
  uint32_t maxBatchTokens = 0;        // 0: 512
  std::vector<std::string> disabledPasses;
};

// Targets come out as "cpu:CHIP", each once, "cpu" as the chip of this host. Errors name the flag. A warning says where
// the default storage loses precision that the checkpoint has.
Expected<PhaseOptions> resolvePhaseOptions(const PhaseRequest &request, const models::Checkpoint &checkpoint,
                                           const models::ModelDescription &model, std::vector<std::string> &warnings);

} // namespace quipu
