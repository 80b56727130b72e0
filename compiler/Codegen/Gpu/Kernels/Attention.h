// What the attention generators share.
#pragma once

#include "compiler/Codegen/AttentionShape.h"
#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/Kernels/DeviceType.h"

#include <string>

namespace quipu::gpu {

struct AttentionParams : AttentionShape {
  std::string type; // of the cache's elements, as the device headers name it: "float", "bf16", "f16"

  int64_t elemBytes() const { return bytesOf(type); }

  // Members of the structure the templates in device/attention read: all but those of one template.
  std::string members() const;
};

// Reads all parameters of an attention kernel but the generator's own.
AttentionParams readAttention(ParamReader &params);

} // namespace quipu::gpu
