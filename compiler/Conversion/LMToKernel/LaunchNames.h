// Names of launches and buffers, made from what the op reads, so that they are the same however the IR was obtained.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace quipu {

// Where in the model these checkpoint tensors are: {"model.layers.0.self_attn.q_proj.weight", "...k_proj.weight"} gives
// "layers.0.self_attn.q_proj+k_proj".
std::string weightLocation(llvm::ArrayRef<llvm::StringRef> tensors);

} // namespace quipu
