#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace quipu {

// Rows of logits that one step gives at most: as many as 32 MiB hold, never fewer than there are sequences.
int64_t maxLogitRows(int64_t maxTokens, int64_t maxSequences, int64_t vocab);

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Conversion/LMToKernel/Passes.h.inc"

} // namespace quipu
