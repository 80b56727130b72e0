// The passes of each phase, in order.
#pragma once

#include "compiler/Dialect/LM/Transforms/Passes.h"
#include "compiler/Pipeline/Pipeline.h"

#include "mlir/Pass/PassManager.h"

#include <set>
#include <string>
#include <vector>

namespace quipu {

struct PhaseOptions {
  std::string storage;                // name of a storage format; empty: what the checkpoint has each matrix in
  std::vector<std::string> storageOf; // PATTERN=FORMAT
  std::string kvStorage = "bf16";     // f32, f16, bf16 or i8
  bool allF32 = false;                // what comes of it: every matrix is stored as f32
  std::vector<std::string> targets;   // "cpu:CHIP"
  int64_t maxContext = 4096;
  int64_t maxSequences = 8;
  int64_t maxBatchTokens = 512;
  std::set<std::string, std::less<>> disabled; // of optionalPasses
};

// Adds the passes of one phase to a pass manager of the module. Phases after `kernels` have none: their work is outside
// the IR.
void addPhasePasses(Phase phase, mlir::OpPassManager &module, const PhaseOptions &options);

// Only the verifier a phase ends in, for text that somebody else wrote.
void addPhaseVerifier(Phase phase, mlir::OpPassManager &module);

// `--quipu-specialise` and `--quipu-to-kernels` of quipu-opt.
void registerPhasePipelines();

} // namespace quipu
