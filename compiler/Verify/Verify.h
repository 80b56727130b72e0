// Holds a compile of a checkpoint to the reference, on real activations:
//   passes    the reference evaluates the IR after every pass: a pass that changes a number is named
//   launches  every launch alone, on the reference's operands
//   logits    whole steps on the device against the definition
#pragma once

#include "compiler/Api/CompilerApi.h"

namespace quipu {

// Errors: what a compile or a load may report. A comparison that fails is no error but a line that did not pass.
Expected<VerifyReport> verifyModel(const VerifyRequest &request);

} // namespace quipu
