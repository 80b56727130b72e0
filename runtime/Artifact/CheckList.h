// The checks of a conformance artifact: launches of kernels on operands that are in the file, and what they must give.
#pragma once

#include "runtime/Artifact/Artifact.h"
#include "runtime/Artifact/Checks_generated.h"

namespace quipu {

// The buffer of each target that all operands of checks lie in.
constexpr uint32_t checkMemoryBuffer = 0;

// The artifact's checks, which point into it. Everything they index with has been checked against the first target,
// whose launches they are of. An error where the artifact has none.
Expected<const fb::CheckList *> readChecks(const Artifact &artifact);

} // namespace quipu
