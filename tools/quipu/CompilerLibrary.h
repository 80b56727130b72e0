// libquipu_compiler.so, opened when a command first needs it: running an artifact takes neither LLVM nor MLIR.
#pragma once

#include "compiler/Api/CompilerApi.h"

namespace quipu::tool {

// The library beside the program (../lib), else where the loader finds it. An error says what is missing.
Expected<const CompilerApi *> openCompiler();

} // namespace quipu::tool
