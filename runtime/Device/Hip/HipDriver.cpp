#include "runtime/Device/Hip/HipDriver.h"

#include "runtime/Device/Hip/FaultReports.h"

#include <vector>

namespace quipu::hip {

namespace {

// The first with graphs as they are used here.
constexpr std::array<int, 2> oldestVersion = {5, 2};

struct HipCalls {
  int (*init)(unsigned flags);
  int (*driverGetVersion)(int *version);
  const char *(*getErrorName)(int error);
  const char *(*getErrorString)(int error);
  int (*getDeviceCount)(int *count);
  int (*setDevice)(int ordinal);
  int (*deviceGet)(int *device, int ordinal);
  int (*deviceGetName)(char *name, int size, int device);
  int (*deviceTotalMem)(size_t *bytes, int device);
  int (*getProperties)(void *properties, int ordinal);
  int (*graphInstantiate)(void **executable, void *graph, void **errorNode, char *log, size_t logBytes);
};

constexpr gpu::DriverSymbols hipSymbols = {"hipMemGetInfo",
                                           "hipMalloc",
                                           "hipFree",
                                           "hipHostMalloc",
                                           "hipHostFree",
                                           "hipMemcpyHtoDAsync",
                                           "hipMemcpyDtoHAsync",
                                           "hipMemcpyDtoDAsync",
                                           "hipMemsetD32Async",
                                           "hipStreamCreateWithFlags",
                                           "hipStreamDestroy",
                                           "hipEventCreateWithFlags",
                                           "hipEventDestroy",
                                           "hipEventRecord",
                                           "hipEventQuery",
                                           "hipEventElapsedTime",
                                           "hipModuleLoadDataEx",
                                           "hipModuleUnload",
                                           "hipModuleGetFunction",
                                           "hipModuleLaunchKernel",
                                           "hipStreamBeginCapture",
                                           "hipStreamEndCapture",
                                           "hipGraphDestroy",
                                           "hipGraphLaunch",
                                           "hipGraphExecDestroy"};

class HipDriver : public gpu::VendorDriver {
public:
  explicit HipDriver(gpu::DriverLibrary library) : VendorDriver(std::move(library), hipSymbols) {}

  // Finds the functions and starts the driver; gives the number of devices.
  Expected<int> start();
  Expected<void> openDevice(int number);
  Expected<void> useFromThisThread() override { return check(hip.setDevice(ordinal), "hipSetDevice"); }
  void reportFaults(const void *program, const std::function<std::string()> &whatRan) override {
    quipu::hip::reportFaults(program, whatRan);
  }

protected:
  std::string describe(int result) const override {
    std::string_view name = hip.getErrorName(result), text = hip.getErrorString(result);
    return name == text ? std::string(name) : fmt::format("{} ({})", name, text); // old releases know no texts
  }
  int instantiate(void **executable, void *graph) override {
    return hip.graphInstantiate(executable, graph, nullptr, nullptr, 0);
  }

private:
  Expected<void> bindAll();
  Expected<std::string> readChip();

  HipCalls hip = {};
  int ordinal = 0;
};

Expected<void> HipDriver::bindAll() {
  gpu::Binding bind(library);
  bind(hip.init, "hipInit");
  bind(hip.getErrorName, "hipGetErrorName");
  bind(hip.getErrorString, "hipGetErrorString");
  bind(hip.getDeviceCount, "hipGetDeviceCount");
  bind(hip.setDevice, "hipSetDevice");
  bind(hip.deviceGet, "hipDeviceGet");
  bind(hip.deviceGetName, "hipDeviceGetName");
  bind(hip.deviceTotalMem, "hipDeviceTotalMem");
  bind(hip.getProperties,
       library.find("hipGetDevicePropertiesR0600") ? "hipGetDevicePropertiesR0600" : "hipGetDeviceProperties");
  bind(hip.graphInstantiate, "hipGraphInstantiate");
  return bind.result ? bindCalls() : bind.result;
}

Expected<int> HipDriver::start() {
  if (Expected<void> bound = library.bind(hip.driverGetVersion, "hipDriverGetVersion"); !bound)
    return passError(std::move(bound));
  if (Expected<void> bound = bindAll(); !bound)
    return passError(std::move(bound));
  if (Expected<void> started = check(hip.init(0), "hipInit"); !started)
    return makeError("{}; no AMD GPU is there that this user may open: see /dev/kfd and /dev/dri",
                     started.error().message);
  int version = 0;
  if (Expected<void> known = check(hip.driverGetVersion(&version), "hipDriverGetVersion"); !known)
    return passError(std::move(known));
  if (Expected<void> fits = takeVersion({version / 10000000, version / 100000 % 100}, oldestVersion, "HIP", "ROCm");
      !fits)
    return passError(std::move(fits));
  int count = 0;
  if (Expected<void> counted = check(hip.getDeviceCount(&count), "hipGetDeviceCount"); !counted)
    return passError(std::move(counted));
  return count;
}

// The structure of properties differs between releases, and only this of it is needed: the first text behind the name
// that begins as chips do. "gfx942:sramecc+:xnack-" is a gfx942 with features that its code objects need not name.
Expected<std::string> HipDriver::readChip() {
  constexpr size_t nameBytes = 256, room = 16 << 10; // of any release
  std::vector<char> properties(room);
  if (Expected<void> known = check(hip.getProperties(properties.data(), ordinal), "hipGetDeviceProperties"); !known)
    return passError(std::move(known));
  std::string_view bytes(properties.data() + nameBytes, properties.size() - nameBytes);
  size_t begin = bytes.find("gfx");
  if (begin == std::string_view::npos)
    return makeError("hipGetDeviceProperties: names no chip");
  bytes.remove_prefix(begin);
  return std::string(bytes.substr(0, bytes.find_first_of(std::string_view(":\0", 2))));
}

Expected<void> HipDriver::openDevice(int number) {
  ordinal = number;
  listenForFaults(library);
  deviceInfo.device = fmt::format("hip:{}", number);
  if (Expected<void> used = useFromThisThread(); !used)
    return used;
  int device = 0;
  char name[256] = {};
  size_t memory = 0;
  if (Expected<void> got = check(hip.deviceGet(&device, number), "hipDeviceGet"); !got)
    return got;
  if (Expected<void> named = check(hip.deviceGetName(name, sizeof(name) - 1, device), "hipDeviceGetName"); !named)
    return named;
  if (Expected<void> sized = check(hip.deviceTotalMem(&memory, device), "hipDeviceTotalMem"); !sized)
    return sized;
  Expected<std::string> chip = readChip();
  if (!chip)
    return passError(std::move(chip));
  deviceInfo.name = name;
  deviceInfo.memory = memory;
  deviceInfo.chip = *chip;
  return {};
}

gpu::DriverOrigin origin() {
  return {{"libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5", "libamdhip64.so"}, "ROCm's HIP runtime", "HIP"};
}

} // namespace

Expected<int> countDevices() { return gpu::countDevices<HipDriver>(origin()); }

Expected<std::unique_ptr<gpu::GpuDriver>> openDriver(int ordinal) {
  return gpu::openDriver<HipDriver>(origin(), ordinal);
}

} // namespace quipu::hip
