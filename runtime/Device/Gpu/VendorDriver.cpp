#include "runtime/Device/Gpu/VendorDriver.h"

#include <cstring>

namespace quipu::gpu {

namespace {

constexpr int notReady = 600; // the same number for both vendors
constexpr unsigned nonBlockingStream = 1, untimedEvent = 2, mappedMemory = 2;
constexpr int captureThreadLocal = 1; // what other threads do meanwhile is no part of it

} // namespace

Expected<void> VendorDriver::bindCalls() {
  static_assert(sizeof(DriverCalls) == sizeof(DriverSymbols), "one symbol for each function");
  std::array<const char *, sizeof(DriverSymbols) / sizeof(char *)> names;
  std::array<void *, names.size()> functions;
  std::memcpy(static_cast<void *>(names.data()), &symbols, sizeof(symbols));
  Binding bind(library);
  for (size_t i = 0; i < names.size(); ++i)
    bind(functions[i], names[i]);
  std::memcpy(&calls, static_cast<const void *>(functions.data()), sizeof(calls));
  return bind.result;
}

Expected<void> VendorDriver::takeVersion(std::array<int, 2> version, std::array<int, 2> oldest, const char *kind,
                                         const char *product) {
  deviceInfo.driverVersion = version;
  deviceInfo.driver = fmt::format("{}.{}", version[0], version[1]);
  if (version < oldest)
    return makeError("the driver supports {} {}, {}.{} or later is needed; install a newer {}", kind, deviceInfo.driver,
                     oldest[0], oldest[1], product);
  return {};
}

Expected<void> VendorDriver::check(int result, const char *symbol) const {
  if (result != 0)
    return makeError("{}: {}", symbol, describe(result));
  return {};
}

Expected<uint64_t> VendorDriver::freeMemory() {
  size_t free = 0, total = 0;
  if (Expected<void> done = check(calls.memGetInfo(&free, &total), symbols.memGetInfo); !done)
    return passError(std::move(done));
  return free;
}

Expected<Address> VendorDriver::allocate(uint64_t bytes) {
  Address address = 0;
  if (Expected<void> done = check(calls.memAlloc(&address, bytes), symbols.memAlloc); !done)
    return passError(std::move(done));
  return address;
}

void VendorDriver::release(Address address) {
  if (address && !isAbandoned())
    (void)calls.memFree(address);
}

Expected<std::byte *> VendorDriver::allocatePinned(uint64_t bytes) {
  void *memory = nullptr;
  if (Expected<void> done = check(calls.hostAlloc(&memory, bytes, mappedMemory), symbols.hostAlloc); !done)
    return passError(std::move(done));
  return static_cast<std::byte *>(memory);
}

void VendorDriver::releasePinned(std::byte *memory) {
  if (memory && !isAbandoned())
    (void)calls.hostFree(memory);
}

Expected<void> VendorDriver::copyToDevice(Address to, const std::byte *pinned, uint64_t bytes, Stream stream) {
  return check(calls.copyToDevice(to, pinned, bytes, stream.handle), symbols.copyToDevice);
}

Expected<void> VendorDriver::copyToHost(std::byte *pinned, Address from, uint64_t bytes, Stream stream) {
  return check(calls.copyToHost(pinned, from, bytes, stream.handle), symbols.copyToHost);
}

Expected<void> VendorDriver::copyWithinDevice(Address to, Address from, uint64_t bytes, Stream stream) {
  return check(calls.copyWithinDevice(to, from, bytes, stream.handle), symbols.copyWithinDevice);
}

Expected<void> VendorDriver::fillZero(Address to, uint64_t bytes, Stream stream) {
  return check(calls.fillWords(to, 0, bytes / 4, stream.handle), symbols.fillWords);
}

Expected<Stream> VendorDriver::createStream() {
  Stream stream;
  if (Expected<void> done = check(calls.streamCreate(&stream.handle, nonBlockingStream), symbols.streamCreate); !done)
    return passError(std::move(done));
  return stream;
}

void VendorDriver::destroy(Stream stream) {
  if (stream.handle && !isAbandoned())
    (void)calls.streamDestroy(stream.handle);
}

Expected<Event> VendorDriver::createEvent(bool timed) {
  Event event;
  if (Expected<void> done = check(calls.eventCreate(&event.handle, timed ? 0 : untimedEvent), symbols.eventCreate);
      !done)
    return passError(std::move(done));
  return event;
}

void VendorDriver::destroy(Event event) {
  if (event.handle && !isAbandoned())
    (void)calls.eventDestroy(event.handle);
}

Expected<void> VendorDriver::record(Event event, Stream stream) {
  return check(calls.eventRecord(event.handle, stream.handle), symbols.eventRecord);
}

Expected<bool> VendorDriver::isDone(Event event) {
  int result = calls.eventQuery(event.handle);
  if (result == notReady)
    return false;
  if (Expected<void> done = check(result, symbols.eventQuery); !done)
    return passError(std::move(done));
  return true;
}

Expected<double> VendorDriver::secondsBetween(Event begin, Event end) {
  float milliseconds = 0;
  if (Expected<void> done =
          check(calls.eventElapsedTime(&milliseconds, begin.handle, end.handle), symbols.eventElapsedTime);
      !done)
    return passError(std::move(done));
  return milliseconds * 1e-3;
}

Expected<Module> VendorDriver::loadModule(const std::string &image) {
  Module module;
  if (Expected<void> done =
          check(calls.moduleLoad(&module.handle, image.data(), 0, nullptr, nullptr), symbols.moduleLoad);
      !done)
    return passError(std::move(done));
  return module;
}

void VendorDriver::unload(Module module) {
  if (module.handle && !isAbandoned())
    (void)calls.moduleUnload(module.handle);
}

Expected<Function> VendorDriver::findFunction(Module module, const std::string &symbol, uint32_t sharedBytes) {
  Function function;
  if (Expected<void> done =
          check(calls.moduleGetFunction(&function.handle, module.handle, symbol.c_str()), symbols.moduleGetFunction);
      !done)
    return passError(std::move(done));
  return function;
}

Expected<void> VendorDriver::launch(Function function, const LaunchShape &shape, void **arguments, Stream stream) {
  return check(calls.launchKernel(function.handle, shape.grid[0], shape.grid[1], shape.grid[2], shape.threads, 1, 1,
                                  shape.sharedBytes, stream.handle, arguments, nullptr),
               symbols.launchKernel);
}

Expected<void> VendorDriver::beginCapture(Stream stream) {
  return check(calls.beginCapture(stream.handle, captureThreadLocal), symbols.beginCapture);
}

Expected<Graph> VendorDriver::endCapture(Stream stream) {
  void *captured = nullptr;
  if (Expected<void> done = check(calls.endCapture(stream.handle, &captured), symbols.endCapture); !done)
    return passError(std::move(done));
  Graph graph;
  Expected<void> done = check(instantiate(&graph.handle, captured), "instantiate a graph");
  (void)calls.graphDestroy(captured);
  if (!done)
    return passError(std::move(done));
  return graph;
}

Expected<void> VendorDriver::launchGraph(Graph graph, Stream stream) {
  return check(calls.graphLaunch(graph.handle, stream.handle), symbols.graphLaunch);
}

void VendorDriver::destroy(Graph graph) {
  if (graph.handle && !isAbandoned())
    (void)calls.executableDestroy(graph.handle);
}

} // namespace quipu::gpu
