// The part of a driver that is the same for both vendors: HIP's functions take what CUDA's driver functions take, under
// other names. What differs is in CudaDriver and HipDriver.
#pragma once

#include "runtime/Device/Gpu/DriverLibrary.h"
#include "runtime/Device/Gpu/GpuDriver.h"

#include <memory>
#include <utility>
#include <vector>

namespace quipu::gpu {

// Functions of a vendor's library: every one returns 0, or the number of an error. Declared from the vendors'
// documentation; handles are pointers, addresses have 64 bits, enumerations are int.
struct DriverCalls {
  int (*memGetInfo)(size_t *free, size_t *total);
  int (*memAlloc)(Address *address, size_t bytes);
  int (*memFree)(Address address);
  int (*hostAlloc)(void **memory, size_t bytes, unsigned flags);
  int (*hostFree)(void *memory);
  int (*copyToDevice)(Address to, const void *from, size_t bytes, void *stream);
  int (*copyToHost)(void *to, Address from, size_t bytes, void *stream);
  int (*copyWithinDevice)(Address to, Address from, size_t bytes, void *stream);
  int (*fillWords)(Address to, unsigned value, size_t words, void *stream);
  int (*streamCreate)(void **stream, unsigned flags);
  int (*streamDestroy)(void *stream);
  int (*eventCreate)(void **event, unsigned flags);
  int (*eventDestroy)(void *event);
  int (*eventRecord)(void *event, void *stream);
  int (*eventQuery)(void *event);
  int (*eventElapsedTime)(float *milliseconds, void *begin, void *end);
  int (*moduleLoad)(void **module, const void *image, unsigned options, int *keys, void **values);
  int (*moduleUnload)(void *module);
  int (*moduleGetFunction)(void **function, void *module, const char *symbol);
  int (*launchKernel)(void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                      unsigned blockZ, unsigned sharedBytes, void *stream, void **arguments, void **extra);
  int (*beginCapture)(void *stream, int mode);
  int (*endCapture)(void *stream, void **graph);
  int (*graphDestroy)(void *graph);
  int (*graphLaunch)(void *executable, void *stream);
  int (*executableDestroy)(void *executable);
};

// Symbols of DriverCalls, in its order of members.
struct DriverSymbols {
  const char *memGetInfo, *memAlloc, *memFree, *hostAlloc, *hostFree, *copyToDevice, *copyToHost, *copyWithinDevice,
      *fillWords, *streamCreate, *streamDestroy, *eventCreate, *eventDestroy, *eventRecord, *eventQuery,
      *eventElapsedTime, *moduleLoad, *moduleUnload, *moduleGetFunction, *launchKernel, *beginCapture, *endCapture,
      *graphDestroy, *graphLaunch, *executableDestroy;
};

class VendorDriver : public GpuDriver {
public:
  const DeviceInfo &info() const override { return deviceInfo; }

  Expected<uint64_t> freeMemory() override;
  Expected<Address> allocate(uint64_t bytes) override;
  void release(Address address) override;
  Expected<std::byte *> allocatePinned(uint64_t bytes) override;
  void releasePinned(std::byte *memory) override;
  Expected<void> copyToDevice(Address to, const std::byte *pinned, uint64_t bytes, Stream stream) override;
  Expected<void> copyToHost(std::byte *pinned, Address from, uint64_t bytes, Stream stream) override;
  Expected<void> copyWithinDevice(Address to, Address from, uint64_t bytes, Stream stream) override;
  Expected<void> fillZero(Address to, uint64_t bytes, Stream stream) override;
  Expected<Stream> createStream() override;
  void destroy(Stream stream) override;
  Expected<Event> createEvent(bool timed) override;
  void destroy(Event event) override;
  Expected<void> record(Event event, Stream stream) override;
  Expected<bool> isDone(Event event) override;
  Expected<double> secondsBetween(Event begin, Event end) override;
  Expected<Module> loadModule(const std::string &image) override;
  void unload(Module module) override;
  Expected<Function> findFunction(Module module, const std::string &symbol, uint32_t sharedBytes) override;
  Expected<void> launch(Function function, const LaunchShape &shape, void **arguments, Stream stream) override;
  Expected<void> beginCapture(Stream stream) override;
  Expected<Graph> endCapture(Stream stream) override;
  Expected<void> launchGraph(Graph graph, Stream stream) override;
  void destroy(Graph graph) override;

protected:
  VendorDriver(DriverLibrary library, const DriverSymbols &symbols) : library(std::move(library)), symbols(symbols) {}

  // Finds all of DriverCalls.
  Expected<void> bindCalls();
  // Of what the driver supports; an error where that is too old. kind: "CUDA"; product: what to install a newer one of.
  Expected<void> takeVersion(std::array<int, 2> version, std::array<int, 2> oldest, const char *kind,
                             const char *product);
  // The error of a call that returned `result`, in the driver's own words.
  virtual std::string describe(int result) const = 0;
  virtual int instantiate(void **executable, void *graph) = 0;
  Expected<void> check(int result, const char *symbol) const;

  DriverLibrary library;
  DriverSymbols symbols;
  DriverCalls calls = {};
  DeviceInfo deviceInfo;
};

// A vendor's library, by the names it may have; what to install where there is none; and what people call its devices:
// "CUDA".
struct DriverOrigin {
  std::vector<const char *> libraries;
  const char *product, *kind;
};

// A driver whose library is bound, and how many devices it has.
template <class Driver> Expected<std::pair<std::unique_ptr<Driver>, int>> startDriver(const DriverOrigin &origin) {
  Expected<DriverLibrary> library = DriverLibrary::open(origin.libraries);
  if (!library)
    return makeError("{}; install {}", library.error().message, origin.product);
  auto driver = std::make_unique<Driver>(std::move(*library));
  Expected<int> count = driver->start();
  if (!count)
    return passError(std::move(count));
  return std::pair(std::move(driver), *count);
}

template <class Driver> Expected<int> countDevices(const DriverOrigin &origin) {
  auto started = startDriver<Driver>(origin);
  if (!started)
    return passError(std::move(started));
  return started->second;
}

template <class Driver> Expected<std::unique_ptr<GpuDriver>> openDriver(const DriverOrigin &origin, int ordinal) {
  auto started = startDriver<Driver>(origin);
  if (!started)
    return passError(std::move(started));
  auto &[driver, count] = *started;
  if (ordinal >= count)
    return makeError("this machine has {} {} device{}, and no number {}", count, origin.kind, count == 1 ? "" : "s",
                     ordinal);
  if (Expected<void> opened = driver->openDevice(ordinal); !opened)
    return passError(std::move(opened));
  return std::move(driver);
}

} // namespace quipu::gpu
