// What a GPU's driver does for a loaded program: memory, streams, events, modules, launches, graphs. One object is one
// device of a machine. Cuda and Hip implement it on their vendors' libraries.
//
// Copies, launches and records go to a stream and return at once; `isDone` of an event recorded behind them says when
// they are finished, and is where a failure of the device shows. Errors name the driver's function and its error.
#pragma once

#include "runtime/Support/Error.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace quipu::gpu {

using Address = uint64_t; // in the device's memory

// Handles of the driver's objects; null: none.
struct Stream {
  void *handle = nullptr;
};
struct Event {
  void *handle = nullptr;
};
struct Module {
  void *handle = nullptr;
};
struct Function {
  void *handle = nullptr;
};
struct Graph {
  void *handle = nullptr;
};

struct DeviceInfo {
  std::string device;                    // "cuda:0"
  std::string name;                      // "NVIDIA H200"
  std::string chip;                      // "sm_90", "gfx942"
  std::string driver;                    // version, "12.4"
  std::array<int, 2> driverVersion = {}; // {12, 4}
  std::array<int, 2> capability = {};    // of an NVIDIA chip: {9, 0}
  uint64_t memory = 0;                   // bytes
  uint32_t sharedPerBlock = 0;           // most dynamic shared memory of a block; 0: not known
};

struct LaunchShape {
  std::array<uint32_t, 3> grid = {1, 1, 1}; // blocks
  uint32_t threads = 1;                     // of a block, along x
  uint32_t sharedBytes = 0;
  uint32_t cluster = 1; // blocks, along x; divides the grid
  // The kernel waits by itself for the one that was launched right before it: the driver may start it earlier.
  bool early = false;
};

class GpuDriver {
public:
  virtual ~GpuDriver() = default;

  virtual const DeviceInfo &info() const = 0;
  // Every thread that calls what follows calls this first.
  virtual Expected<void> useFromThisThread() = 0;
  // The device does not answer: it is not waited for any more, and its objects and memory are left as they are, for to
  // free them would wait.
  void abandon() { abandoned = true; }
  bool isAbandoned() const { return abandoned; }
  // Where the driver ends the process when a kernel of the program fails, `whatRan` is told before. Null: no longer.
  virtual void reportFaults(const void *program, const std::function<std::string()> &whatRan) {}

  virtual Expected<uint64_t> freeMemory() = 0;
  virtual Expected<Address> allocate(uint64_t bytes) = 0;
  virtual void release(Address address) = 0;
  // Host memory that the device copies from and to while the host goes on, and that kernels write to at its address.
  virtual Expected<std::byte *> allocatePinned(uint64_t bytes) = 0;
  virtual void releasePinned(std::byte *memory) = 0;

  virtual Expected<void> copyToDevice(Address to, const std::byte *pinned, uint64_t bytes, Stream stream) = 0;
  virtual Expected<void> copyToHost(std::byte *pinned, Address from, uint64_t bytes, Stream stream) = 0;
  virtual Expected<void> copyWithinDevice(Address to, Address from, uint64_t bytes, Stream stream) = 0;
  // `bytes` is a multiple of 4.
  virtual Expected<void> fillZero(Address to, uint64_t bytes, Stream stream) = 0;

  virtual Expected<Stream> createStream() = 0;
  virtual void destroy(Stream stream) = 0;
  virtual Expected<Event> createEvent(bool timed) = 0;
  virtual void destroy(Event event) = 0;
  virtual Expected<void> record(Event event, Stream stream) = 0;
  virtual Expected<bool> isDone(Event event) = 0;
  // Of two timed events that are done.
  virtual Expected<double> secondsBetween(Event begin, Event end) = 0;

  // `image` is as in the code bundle, with a zero behind it where it is text.
  virtual Expected<Module> loadModule(const std::string &image) = 0;
  virtual void unload(Module module) = 0;
  // A kernel of a module, made ready for blocks with this much dynamic shared memory.
  virtual Expected<Function> findFunction(Module module, const std::string &symbol, uint32_t sharedBytes) = 0;
  // arguments[i] points to the i-th argument; they are read before the call returns.
  virtual Expected<void> launch(Function function, const LaunchShape &shape, void **arguments, Stream stream) = 0;

  // What is given to the stream in between becomes a graph in place of being done.
  virtual Expected<void> beginCapture(Stream stream) = 0;
  virtual Expected<Graph> endCapture(Stream stream) = 0;
  virtual Expected<void> launchGraph(Graph graph, Stream stream) = 0;
  virtual void destroy(Graph graph) = 0;

private:
  std::atomic<bool> abandoned = false; // by any thread
};

// Waits for an event at most `seconds`, spinning at first: a step is short. An error where the device fails or the time
// is over; then the device is abandoned.
Expected<void> waitFor(GpuDriver &driver, Event event, double seconds);

} // namespace quipu::gpu
