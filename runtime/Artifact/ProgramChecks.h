// What must hold of a program before anything is computed from it: every index in range, every size that it leads to
// representable, every buffer inside its arena.
#pragma once

#include "runtime/Artifact/Program_generated.h"
#include "runtime/Support/Error.h"

namespace quipu {

// The program has passed the FlatBuffers verifier. `weightBytes` is the size of the weights section. Messages lack the
// file's name.
Expected<void> checkProgram(const fb::Program &program, uint32_t codeSections, uint64_t weightBytes);

// Elements of a FlatBuffers vector that may be absent.
template <typename Vector> uint32_t sizeOf(const Vector *vector) { return vector ? vector->size() : 0; }

} // namespace quipu
