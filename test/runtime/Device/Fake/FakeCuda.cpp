// The functions of libcuda.so.1 that the runtime uses, over the fake device.
#include "test/runtime/Device/Fake/FakeEntry.h"

using namespace quipu::fake;

extern "C" {

FAKE(cuMemGetInfo_v2, memGetInfo, (size_t *free, size_t *total), (free, total))
FAKE(cuMemAlloc_v2, memAlloc, (uint64_t *address, size_t bytes), (address, bytes))
FAKE(cuMemFree_v2, memFree, (uint64_t address), (address))
FAKE(cuMemHostAlloc, hostAlloc, (void **memory, size_t bytes, unsigned flags), (memory, bytes, flags))
FAKE(cuMemFreeHost, hostFree, (void *memory), (memory))
FAKE(cuMemcpyHtoDAsync_v2, copyToDevice, (uint64_t to, const void *from, size_t bytes, void *stream),
     (to, from, bytes, stream))
FAKE(cuMemcpyDtoHAsync_v2, copyToHost, (void *to, uint64_t from, size_t bytes, void *stream), (to, from, bytes, stream))
FAKE(cuMemcpyDtoDAsync_v2, copyWithinDevice, (uint64_t to, uint64_t from, size_t bytes, void *stream),
     (to, from, bytes, stream))
FAKE(cuMemsetD32Async, fillWords, (uint64_t to, unsigned value, size_t words, void *stream), (to, value, words, stream))
FAKE(cuStreamCreate, streamCreate, (void **stream, unsigned flags), (stream, flags))
FAKE(cuStreamDestroy_v2, streamDestroy, (void *stream), (stream))
FAKE(cuEventCreate, eventCreate, (void **event, unsigned flags), (event, flags))
FAKE(cuEventDestroy_v2, eventDestroy, (void *event), (event))
FAKE(cuEventRecord, eventRecord, (void *event, void *stream), (event, stream))
FAKE(cuEventQuery, eventQuery, (void *event), (event))
FAKE(cuEventElapsedTime, eventElapsedTime, (float *milliseconds, void *begin, void *end), (milliseconds, begin, end))
FAKE(cuModuleLoadDataEx, moduleLoad, (void **module, const void *image, unsigned options, int *keys, void **values),
     (module, image, options, keys, values))
FAKE(cuModuleUnload, moduleUnload, (void *module), (module))
FAKE(cuModuleGetFunction, moduleGetFunction, (void **function, void *module, const char *symbol),
     (function, module, symbol))
FAKE(cuStreamBeginCapture_v2, beginCapture, (void *stream, int mode), (stream, mode))
FAKE(cuStreamEndCapture, endCapture, (void *stream, void **graph), (stream, graph))
FAKE(cuGraphDestroy, graphDestroy, (void *graph), (graph))
FAKE(cuGraphLaunch, graphLaunch, (void *executable, void *stream), (executable, stream))
FAKE(cuGraphExecDestroy, graphDestroy, (void *executable), (executable))

FAKE_BODY(cuInit, (unsigned flags), { return Gpu::get().control.devices ? None : NoDevice; })
FAKE_BODY(cuDriverGetVersion, (int *version), {
  *version = Gpu::get().control.cudaVersion;
  return None;
})
FAKE_BODY(cuDeviceGetCount, (int *count), {
  *count = Gpu::get().control.devices;
  return None;
})
FAKE_BODY(cuDeviceGet, (int *device, int ordinal), {
  *device = 100 + ordinal; // no ordinal by chance
  return ordinal < Gpu::get().control.devices ? None : InvalidValue;
})
FAKE_BODY(cuDeviceGetName, (char *name, int size, int device), {
  std::snprintf(name, static_cast<size_t>(size), "Fake H100");
  return None;
})
FAKE_BODY(cuDeviceTotalMem_v2, (size_t *bytes, int device), {
  *bytes = Gpu::get().control.memory;
  return None;
})
FAKE_BODY(cuDeviceGetAttribute, (int *value, int attribute, int device), {
  const int *capability = Gpu::get().control.capability;
  constexpr int optInShared = 227 << 10;
  *value = attribute == 75 ? capability[0] : attribute == 76 ? capability[1] : attribute == 97 ? optInShared : 0;
  return None;
})
FAKE_BODY(cuDevicePrimaryCtxRetain, (void **context, int device), {
  *context = &Gpu::get();
  ++Gpu::get().control.openObjects;
  return None;
})
FAKE_BODY(cuDevicePrimaryCtxRelease_v2, (int device), {
  --Gpu::get().control.openObjects;
  return None;
})
FAKE_BODY(cuCtxSetCurrent, (void *context), { return Gpu::get().setContext(context == &Gpu::get()); })

FAKE(cuFuncSetAttribute, allowShared, (void *function, int attribute, int bytes),
     (function, attribute == 8 && bytes <= 227 << 10 ? bytes : 0))
FAKE(cuLaunchKernel, launch,
     (void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ,
      unsigned sharedBytes, void *stream, void **arguments, void **extra),
     (function, Launch{{gridX, gridY, gridZ}, blockX, sharedBytes, 1}, blockY, blockZ, stream, arguments))
FAKE(cuGraphInstantiateWithFlags, graphInstantiate, (void **executable, void *graph, unsigned long long flags),
     (executable, graph))

struct FakeLaunchConfig {
  unsigned grid[3], block[3], sharedBytes;
  void *stream;
  const struct {
    int id, padding;
    unsigned value[16];
  } *attributes;
  unsigned attributeCount;
};
FAKE_EXPORT int cuLaunchKernelEx(const void *given, void *function, void **arguments, void **extra) {
  const auto *config = static_cast<const FakeLaunchConfig *>(given);
  return Gpu::get().call("cuLaunchKernelEx", true, [&]() -> int {
    Launch shape = {
        {config->grid[0], config->grid[1], config->grid[2]}, config->block[0], config->sharedBytes, /*cluster=*/1};
    bool valid = true;
    for (unsigned i = 0; i < config->attributeCount; ++i) {
      const auto &attribute = config->attributes[i];
      if (attribute.id == 4) {
        shape.cluster = attribute.value[0];
        valid &= attribute.value[1] == 1 && attribute.value[2] == 1;
      } else {
        shape.early = attribute.value[0] == 1;
        const Control &control = Gpu::get().control;
        valid &= attribute.id == 6 && control.cudaVersion >= 12030 && control.capability[0] >= 9;
      }
    }
    if (!valid) {
      Gpu::get().complain("cuLaunchKernelEx with attributes that this driver does not take");
      return InvalidValue;
    }
    return Gpu::get().launch(function, shape, config->block[1], config->block[2], config->stream, arguments);
  });
}

FAKE_EXPORT int cuGetErrorName(int error, const char **name) {
  *name = error == OutOfMemory      ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == NoDevice       ? "CUDA_ERROR_NO_DEVICE"
          : error == IllegalAddress ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : error == InvalidImage   ? "CUDA_ERROR_INVALID_IMAGE"
          : error == NotFound       ? "CUDA_ERROR_NOT_FOUND"
                                    : "CUDA_ERROR_SOME_OTHER";
  return None;
}
FAKE_EXPORT int cuGetErrorString(int error, const char **text) {
  *text = "as the driver says it";
  return None;
}
}
