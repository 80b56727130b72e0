#include "compiler/Codegen/Gpu/Kernels/DeviceType.h"

namespace quipu::gpu {

std::string deviceType(ParamReader &params, const std::string &name) {
  std::string storage = params.text(name);
  if (storage == "f32")
    return "float";
  params.require(storage == "bf16" || storage == "f16",
                 fmt::format("expected {} to be f32, f16 or bf16, got {}", name, storage));
  return storage;
}

std::string cacheType(ParamReader &params) {
  int64_t pageSize = params.integer("page_size");
  params.require(pageSize == 16, fmt::format("expected pages of 16 positions, got {}", pageSize));
  return deviceType(params, "elem");
}

int64_t bytesOf(const std::string &deviceType) { return deviceType == "float" ? 4 : 2; }

} // namespace quipu::gpu
