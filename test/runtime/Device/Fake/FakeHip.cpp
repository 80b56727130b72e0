// The functions of libamdhip64.so.7 that the runtime uses, over the fake device.
#include "test/runtime/Device/Fake/FakeEntry.h"

using namespace quipu::fake;

extern "C" {

FAKE(hipMemGetInfo, memGetInfo, (size_t *free, size_t *total), (free, total))
FAKE(hipMalloc, memAlloc, (uint64_t *address, size_t bytes), (address, bytes))
FAKE(hipFree, memFree, (uint64_t address), (address))
FAKE(hipHostMalloc, hostAlloc, (void **memory, size_t bytes, unsigned flags), (memory, bytes, flags))
FAKE(hipHostFree, hostFree, (void *memory), (memory))
FAKE(hipMemcpyHtoDAsync, copyToDevice, (uint64_t to, const void *from, size_t bytes, void *stream),
     (to, from, bytes, stream))
FAKE(hipMemcpyDtoHAsync, copyToHost, (void *to, uint64_t from, size_t bytes, void *stream), (to, from, bytes, stream))
FAKE(hipMemcpyDtoDAsync, copyWithinDevice, (uint64_t to, uint64_t from, size_t bytes, void *stream),
     (to, from, bytes, stream))
FAKE(hipMemsetD32Async, fillWords, (uint64_t to, unsigned value, size_t words, void *stream),
     (to, value, words, stream))
FAKE(hipStreamCreateWithFlags, streamCreate, (void **stream, unsigned flags), (stream, flags))
FAKE(hipStreamDestroy, streamDestroy, (void *stream), (stream))
FAKE(hipEventCreateWithFlags, eventCreate, (void **event, unsigned flags), (event, flags))
FAKE(hipEventDestroy, eventDestroy, (void *event), (event))
FAKE(hipEventRecord, eventRecord, (void *event, void *stream), (event, stream))
FAKE(hipEventQuery, eventQuery, (void *event), (event))
FAKE(hipEventElapsedTime, eventElapsedTime, (float *milliseconds, void *begin, void *end), (milliseconds, begin, end))
FAKE(hipModuleLoadDataEx, moduleLoad, (void **module, const void *image, unsigned options, int *keys, void **values),
     (module, image, options, keys, values))
FAKE(hipModuleUnload, moduleUnload, (void *module), (module))
FAKE(hipModuleGetFunction, moduleGetFunction, (void **function, void *module, const char *symbol),
     (function, module, symbol))
FAKE(hipStreamBeginCapture, beginCapture, (void *stream, int mode), (stream, mode))
FAKE(hipStreamEndCapture, endCapture, (void *stream, void **graph), (stream, graph))
FAKE(hipGraphDestroy, graphDestroy, (void *graph), (graph))
FAKE(hipGraphLaunch, graphLaunch, (void *executable, void *stream), (executable, stream))
FAKE(hipGraphExecDestroy, graphDestroy, (void *executable), (executable))

// Of the library below; a real one ends the process when the handler does not deal with the event.
struct FakeSystemEvent {
  unsigned type;
  uint64_t agent, address;
};
FAKE_EXPORT unsigned hsa_amd_register_system_event_handler(unsigned (*handler)(const void *event, void *data),
                                                           void *data) {
  Gpu &gpu = Gpu::get();
  if (gpu.onFault)
    gpu.complain("a second handler of system events");
  gpu.onFault = [&gpu, handler, data] {
    const FakeSystemEvent event = {/*memory fault*/ 0, 1, 0x7000};
    if (handler(&event, data) == 0)
      gpu.complain("a fault that was said to be dealt with");
  };
  return 0;
}

FAKE_BODY(hipInit, (unsigned flags), { return Gpu::get().control.devices ? None : NoDevice; })
FAKE_BODY(hipDriverGetVersion, (int *version), {
  *version = Gpu::get().control.hipVersion;
  return None;
})
FAKE_BODY(hipGetDeviceCount, (int *count), {
  *count = Gpu::get().control.devices;
  return None;
})
FAKE_BODY(hipSetDevice, (int ordinal), { return Gpu::get().setContext(ordinal < Gpu::get().control.devices); })
FAKE_BODY(hipDeviceGet, (int *device, int ordinal), {
  *device = ordinal;
  return None;
})
FAKE_BODY(hipDeviceGetName, (char *name, int size, int device), {
  std::snprintf(name, static_cast<size_t>(size), "Fake MI300X");
  return None;
})
FAKE_BODY(hipDeviceTotalMem, (size_t *bytes, int device), {
  *bytes = Gpu::get().control.memory;
  return None;
})
// The chip lies somewhere behind the name; where it does differs between releases.
FAKE_BODY(hipGetDevicePropertiesR0600, (void *properties, int ordinal), {
  const std::string &chip = Gpu::get().control.gcnArch;
  constexpr size_t place = 1160;
  std::memcpy(static_cast<char *>(properties) + place, chip.c_str(), chip.size() + 1);
  return None;
})

FAKE(hipModuleLaunchKernel, launch,
     (void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ,
      unsigned sharedBytes, void *stream, void **arguments, void **extra),
     (function, Launch{{gridX, gridY, gridZ}, blockX, sharedBytes, 1}, blockY, blockZ, stream, arguments))
FAKE(hipGraphInstantiate, graphInstantiate,
     (void **executable, void *graph, void **errorNode, char *log, size_t logBytes), (executable, graph))

FAKE_EXPORT const char *hipGetErrorName(int error) {
  return error == NoDevice         ? "hipErrorNoDevice"
         : error == OutOfMemory    ? "hipErrorOutOfMemory"
         : error == IllegalAddress ? "hipErrorIllegalAddress"
                                   : "hipErrorSomeOther";
}
FAKE_EXPORT const char *hipGetErrorString(int error) { return "as the driver says it"; }
}
