#include "runtime/Device/Cuda/CudaDriver.h"

namespace quipu::cuda {

namespace {

using gpu::Function;
using gpu::LaunchShape;
using gpu::Module;
using gpu::Stream;

// Graphs as they are used here, and launches with clusters.
constexpr std::array<int, 2> oldestVersion = {11, 8};
constexpr int capabilityMajor = 75, capabilityMinor = 76, sharedPerBlockOptIn = 97; // device attributes
constexpr int maxDynamicShared = 8;                                                 // function attribute
constexpr int jitErrorLog = 5, jitErrorLogBytes = 6;                                // options of cuModuleLoadDataEx
constexpr int clusterDimension = 4, programmaticSerialization = 6;                  // launch attributes
// The first driver and chip that start a kernel early, in captured graphs too. Others start it in its turn.
constexpr std::array<int, 2> earlyStartDriver = {12, 3}, earlyStartCapability = {9, 0};

struct LaunchAttribute {
  int id;
  int padding;
  union {
    unsigned cluster[3];
    int allowed;
    char bytes[64];
  } value;
};
static_assert(sizeof(LaunchAttribute) == 72);

struct LaunchConfig {
  unsigned gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes;
  void *stream;
  LaunchAttribute *attributes;
  unsigned attributeCount;
};
static_assert(sizeof(LaunchConfig) == 56);

// What the vendors have in common is in VendorDriver.
struct CudaCalls {
  int (*driverGetVersion)(int *version);
  int (*init)(unsigned flags);
  int (*getErrorName)(int error, const char **name);
  int (*getErrorString)(int error, const char **text);
  int (*deviceGetCount)(int *count);
  int (*deviceGet)(int *device, int ordinal);
  int (*deviceGetName)(char *name, int size, int device);
  int (*deviceTotalMem)(size_t *bytes, int device);
  int (*deviceGetAttribute)(int *value, int attribute, int device);
  int (*contextRetain)(void **context, int device);
  int (*contextRelease)(int device);
  int (*contextSetCurrent)(void *context);
  int (*functionSetAttribute)(void *function, int attribute, int value);
  int (*launchKernelEx)(const void *config, // a LaunchConfig
                        void *function, void **arguments, void **extra);
  int (*graphInstantiate)(void **executable, void *graph, unsigned long long flags);
};

constexpr gpu::DriverSymbols cudaSymbols = {
    "cuMemGetInfo_v2",         "cuMemAlloc_v2",        "cuMemFree_v2",         "cuMemHostAlloc",
    "cuMemFreeHost",           "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuMemcpyDtoDAsync_v2",
    "cuMemsetD32Async",        "cuStreamCreate",       "cuStreamDestroy_v2",   "cuEventCreate",
    "cuEventDestroy_v2",       "cuEventRecord",        "cuEventQuery",         "cuEventElapsedTime",
    "cuModuleLoadDataEx",      "cuModuleUnload",       "cuModuleGetFunction",  "cuLaunchKernel",
    "cuStreamBeginCapture_v2", "cuStreamEndCapture",   "cuGraphDestroy",       "cuGraphLaunch",
    "cuGraphExecDestroy"};

class CudaDriver : public gpu::VendorDriver {
public:
  explicit CudaDriver(gpu::DriverLibrary library) : VendorDriver(std::move(library), cudaSymbols) {}
  ~CudaDriver() override {
    if (context && !isAbandoned())
      (void)cuda.contextRelease(device);
  }

  // Finds the functions and starts the driver.
  Expected<int> start();
  Expected<void> openDevice(int ordinal);

  Expected<void> useFromThisThread() override { return check(cuda.contextSetCurrent(context), "cuCtxSetCurrent"); }

  // Of text that the driver does not compile, it says why in a log.
  Expected<Module> loadModule(const std::string &image) override {
    std::array<char, 4096> log = {};
    int keys[] = {jitErrorLog, jitErrorLogBytes};
    void *values[] = {log.data(), reinterpret_cast<void *>(log.size() - 1)};
    Module module;
    Expected<void> done =
        check(calls.moduleLoad(&module.handle, image.data(), 2, keys, values), cudaSymbols.moduleLoad);
    if (done)
      return module;
    std::string_view said(log.data());
    said = said.substr(0, said.find_first_of("\r\n"));
    return makeError("{}{}{}", done.error().message, said.empty() ? "" : ": ", said);
  }

  // Static and dynamic shared memory of more than 48 KiB together are for kernels that ask for it.
  Expected<Function> findFunction(gpu::Module module, const std::string &symbol, uint32_t sharedBytes) override {
    Expected<Function> function = VendorDriver::findFunction(module, symbol, sharedBytes);
    if (function && sharedBytes > 0)
      if (Expected<void> set =
              check(cuda.functionSetAttribute(function->handle, maxDynamicShared, static_cast<int>(sharedBytes)),
                    "cuFuncSetAttribute");
          !set)
        return passError(std::move(set));
    return function;
  }

  Expected<void> launch(Function function, const LaunchShape &shape, void **arguments, Stream stream) override {
    std::array<LaunchAttribute, 2> attributes = {};
    unsigned count = 0;
    if (shape.cluster != 1)
      attributes[count++] = {clusterDimension, 0, {{shape.cluster, 1, 1}}};
    if (shape.early && deviceInfo.driverVersion >= earlyStartDriver && deviceInfo.capability >= earlyStartCapability) {
      attributes[count].id = programmaticSerialization;
      attributes[count++].value.allowed = 1;
    }
    if (count == 0)
      return VendorDriver::launch(function, shape, arguments, stream);
    LaunchConfig config = {shape.grid[0],     shape.grid[1], shape.grid[2],     shape.threads, 1, 1,
                           shape.sharedBytes, stream.handle, attributes.data(), count};
    return check(cuda.launchKernelEx(&config, function.handle, arguments, nullptr), "cuLaunchKernelEx");
  }

protected:
  std::string describe(int result) const override {
    const char *name = nullptr, *text = nullptr;
    if (cuda.getErrorName(result, &name) != 0 || cuda.getErrorString(result, &text) != 0)
      return fmt::format("error {}", result);
    return fmt::format("{} ({})", name, text);
  }
  int instantiate(void **executable, void *graph) override { return cuda.graphInstantiate(executable, graph, 0); }

private:
  Expected<void> bindAll();
  Expected<void> describeDevice();

  CudaCalls cuda = {};
  int device = 0;
  void *context = nullptr;
};

Expected<void> CudaDriver::bindAll() {
  gpu::Binding bind(library);
  bind(cuda.init, "cuInit");
  bind(cuda.getErrorName, "cuGetErrorName");
  bind(cuda.getErrorString, "cuGetErrorString");
  bind(cuda.deviceGetCount, "cuDeviceGetCount");
  bind(cuda.deviceGet, "cuDeviceGet");
  bind(cuda.deviceGetName, "cuDeviceGetName");
  bind(cuda.deviceTotalMem, "cuDeviceTotalMem_v2");
  bind(cuda.deviceGetAttribute, "cuDeviceGetAttribute");
  bind(cuda.contextRetain, "cuDevicePrimaryCtxRetain");
  bind(cuda.contextRelease, "cuDevicePrimaryCtxRelease_v2");
  bind(cuda.contextSetCurrent, "cuCtxSetCurrent");
  bind(cuda.functionSetAttribute, "cuFuncSetAttribute");
  bind(cuda.launchKernelEx, "cuLaunchKernelEx");
  bind(cuda.graphInstantiate, "cuGraphInstantiateWithFlags");
  return bind.result ? bindCalls() : bind.result;
}

Expected<int> CudaDriver::start() {
  // The version first: an old library lacks functions.
  if (Expected<void> bound = library.bind(cuda.driverGetVersion, "cuDriverGetVersion"); !bound)
    return passError(std::move(bound));
  int version = 0;
  (void)cuda.driverGetVersion(&version);
  if (Expected<void> fits = takeVersion({version / 1000, version % 1000 / 10}, oldestVersion, "CUDA", "driver"); !fits)
    return passError(std::move(fits));
  if (Expected<void> bound = bindAll(); !bound)
    return passError(std::move(bound));
  if (Expected<void> started = check(cuda.init(0), "cuInit"); !started)
    return passError(std::move(started));
  int count = 0;
  if (Expected<void> counted = check(cuda.deviceGetCount(&count), "cuDeviceGetCount"); !counted)
    return passError(std::move(counted));
  return count;
}

Expected<void> CudaDriver::openDevice(int ordinal) {
  if (Expected<void> got = check(cuda.deviceGet(&device, ordinal), "cuDeviceGet"); !got)
    return got;
  deviceInfo.device = fmt::format("cuda:{}", ordinal);
  if (Expected<void> described = describeDevice(); !described)
    return described;
  if (Expected<void> retained = check(cuda.contextRetain(&context, device), "cuDevicePrimaryCtxRetain"); !retained)
    return retained;
  return useFromThisThread();
}

Expected<void> CudaDriver::describeDevice() {
  char name[256] = {};
  size_t memory = 0;
  int shared = 0;
  std::array<int, 2> &capability = deviceInfo.capability;
  for (int result : {cuda.deviceGetName(name, sizeof(name) - 1, device), cuda.deviceTotalMem(&memory, device),
                     cuda.deviceGetAttribute(&capability[0], capabilityMajor, device),
                     cuda.deviceGetAttribute(&capability[1], capabilityMinor, device),
                     cuda.deviceGetAttribute(&shared, sharedPerBlockOptIn, device)})
    if (Expected<void> known = check(result, "cuDeviceGetAttribute"); !known)
      return known;
  deviceInfo.name = name;
  deviceInfo.memory = memory;
  deviceInfo.sharedPerBlock = static_cast<uint32_t>(shared);
  deviceInfo.chip = fmt::format("sm_{}{}", capability[0], capability[1]);
  return {};
}

gpu::DriverOrigin origin() { return {{"libcuda.so.1"}, "NVIDIA's driver", "CUDA"}; }

} // namespace

Expected<int> countDevices() { return gpu::countDevices<CudaDriver>(origin()); }

Expected<std::unique_ptr<gpu::GpuDriver>> openDriver(int ordinal) {
  return gpu::openDriver<CudaDriver>(origin(), ordinal);
}

} // namespace quipu::cuda
