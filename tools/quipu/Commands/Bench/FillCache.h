// A KV cache that steps can be measured on as if prompts had filled it, without the time that prompts take.
#pragma once

#include "runtime/Engine/Engine.h"

namespace quipu::tool {

// Before sequences that are taken to have their positions in the cache: computes one page and copies it to all that as
// many sequences of as many positions will have. Memory that was never written would be read from one page of the
// system's zeros, not from memory; and on a GPU it holds anything, numbers or not.
Expected<> fillCache(Engine &engine, uint32_t sequences, uint32_t positions);

} // namespace quipu::tool
