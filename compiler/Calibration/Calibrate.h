// What the activations of a model are like on a text, for rounding that knows which columns of a weight matter.
#pragma once

#include "compiler/Api/CompilerApi.h"
#include "compiler/Quantization/ColumnImportance.h"
#include "runtime/Support/Error.h"

namespace quipu {

// Compiles the request's model with its weights as the checkpoint has them, runs it on this machine's CPU over the text
// of `calibrate`, and gathers what every matmul reads: at most 64 windows of 512 tokens. Equal model, text and machine
// give equal numbers. Errors name the flag or the text: nothing that would be rounded, no tokenizer, too short a text.
Expected<quantization::ColumnImportance> calibrate(const CompileRequest &request);

} // namespace quipu
