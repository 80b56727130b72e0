// Compiles a checkpoint to an artifact.
#pragma once

#include "compiler/Api/CompilerApi.h"
#include "compiler/Pipeline/Pipeline.h"

namespace quipu {

// Errors name the file, tensor or flag at fault. Equal input and options give equal bytes.
Expected<CompileReport> compile(const CompileRequest &request);

// Of the compiler and what it is built from; artifacts carry it.
std::string compilerVersion();

} // namespace quipu
