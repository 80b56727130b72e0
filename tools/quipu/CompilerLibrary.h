// libquipu_compiler.so, opened when a command first needs it: running an artifact takes neither LLVM nor MLIR.
#pragma once

#include "compiler/Api/CompilerApi.h"

namespace quipu::tool {

// Names the library that openCompiler opens, as it is now: another build has another name. It is not opened for this
// where it lies beside the program, so that a model that is already compiled runs without it.
Expected<std::string> compilerIdentity();

// The library beside the program (../lib), else where the loader finds it. An error says what is missing.
Expected<const CompilerApi *> openCompiler();

// Compiles with a progress bar and prints the warnings.
Expected<CompileReport> compileModel(CompileRequest request);

} // namespace quipu::tool
