// Links the objects of one target into a shared object with LLD, in this process.
#pragma once

#include "runtime/Support/Error.h"

#include <string>
#include <vector>

namespace quipu::cpu {

// A name the shared object exports and the symbol in one of the objects it stands for; several names may share one.
struct ExportedSymbol {
  std::string name;
  std::string definedAs;
};

// The bytes of the shared object. Equal input gives equal bytes. Errors: an undefined or doubly defined symbol, no room
// for temporary files.
Expected<std::string> linkSharedObject(const std::vector<std::string> &objects,
                                       const std::vector<ExportedSymbol> &exports);

} // namespace quipu::cpu
