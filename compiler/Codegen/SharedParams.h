// Operands and parameters that several signatures have.
#pragma once

#include "compiler/Codegen/Signature.h"

namespace quipu {

// A function of one number, by the names of lm's activations.
const std::vector<std::string> &activationNames();
ParamSignature activationParam(std::string name, std::string help);

// Of a page of the cache: KV heads, features of a head, storage type and positions.
std::vector<ParamSignature> cacheParams();

} // namespace quipu
