// Types of the device headers for the storage names that parameters hold.
#pragma once

#include "compiler/Codegen/Gpu/Generate.h"

#include <string>

namespace quipu::gpu {

// "float", "bf16" or "f16" for the parameter's "f32", "bf16" or "f16"; an error of `params` for anything else.
std::string deviceType(ParamReader &params, const std::string &name);
// Of a cache's `elem`; reads `page_size` as well.
std::string cacheType(ParamReader &params);
int64_t bytesOf(const std::string &deviceType);

} // namespace quipu::gpu
