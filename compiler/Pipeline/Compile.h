// Compiles a checkpoint to an artifact.
#pragma once

#include "compiler/Api/CompilerApi.h"
#include "compiler/Pipeline/Pipeline.h"
#include "compiler/Quantization/ColumnImportance.h"

namespace quipu {

// Errors name the file, tensor or flag at fault. Equal input and options give equal bytes. `importance` weighs the
// rounding of weights; the request's calibration text is not looked at here (compiler/Calibration).
Expected<CompileReport> compile(const CompileRequest &request, const quantization::ColumnImportance &importance = {});

// Of the compiler and what it is built from; artifacts carry it.
std::string compilerVersion();

} // namespace quipu
