#include "runtime/Device/Simt/SimtDriver.h"

#include "runtime/Device/Cpu/Topology.h"

#include <chrono>
#include <cstdlib>
#include <cstring>

namespace quipu::simt {

using namespace gpu;

struct SimtDriver::LoadedFunction {
  std::string symbol;
  KernelImage image;
  size_t arguments;
  uint32_t waveWidth;
};

struct SimtDriver::LoadedModule {
  cpu::CodeImage code;
  std::vector<std::unique_ptr<LoadedFunction>> functions;
};

namespace {

using Clock = std::chrono::steady_clock;

std::byte *pointer(Address address) { return reinterpret_cast<std::byte *>(address); }

} // namespace

Expected<std::unique_ptr<SimtDriver>> SimtDriver::open() {
  Expected<std::unique_ptr<GridRunner>> grid = GridRunner::create(cpu::availableCores());
  if (!grid)
    return passError(std::move(grid));
  auto driver = std::make_unique<SimtDriver>();
  driver->grid = std::move(*grid);
  driver->deviceInfo.device = "simt";
  driver->deviceInfo.name = "GPU kernels on this CPU, slow, for debugging";
  driver->deviceInfo.chip = "simt";
  driver->deviceInfo.driver = "1.0";
  driver->deviceInfo.driverVersion = {1, 0};
  driver->deviceInfo.memory = cpu::availableMemory();
  return driver;
}

Expected<uint64_t> SimtDriver::freeMemory() { return cpu::availableMemory(); }

Expected<Address> SimtDriver::allocate(uint64_t bytes) {
  Expected<HugeBlock> block = HugeBlock::allocate(bytes);
  if (!block)
    return passError(std::move(block));
  auto address = reinterpret_cast<Address>(block->data());
  blocks.emplace(address, std::move(*block));
  return address;
}

Expected<std::byte *> SimtDriver::allocatePinned(uint64_t bytes) {
  constexpr uint64_t alignment = 64;
  void *memory = std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  if (!memory)
    return makeError("no memory for {} bytes", bytes);
  return static_cast<std::byte *>(memory);
}

void SimtDriver::releasePinned(std::byte *memory) { std::free(memory); }

// Does the work, or keeps it for the graph that is being captured.
Expected<void> SimtDriver::submit(Stream stream, Work work) {
  auto *host = static_cast<HostStream *>(stream.handle);
  if (!host->capture)
    return work();
  host->capture->push_back(std::move(work));
  return {};
}

Expected<void> SimtDriver::copyToDevice(Address to, const std::byte *pinned, uint64_t bytes, Stream stream) {
  return submit(stream, [=]() -> Expected<void> {
    std::memcpy(pointer(to), pinned, bytes);
    return {};
  });
}

Expected<void> SimtDriver::copyToHost(std::byte *pinned, Address from, uint64_t bytes, Stream stream) {
  return submit(stream, [=]() -> Expected<void> {
    std::memcpy(pinned, pointer(from), bytes);
    return {};
  });
}

Expected<void> SimtDriver::copyWithinDevice(Address to, Address from, uint64_t bytes, Stream stream) {
  return copyToDevice(to, pointer(from), bytes, stream);
}

Expected<void> SimtDriver::fillZero(Address to, uint64_t bytes, Stream stream) {
  return submit(stream, [=]() -> Expected<void> {
    std::memset(pointer(to), 0, bytes);
    return {};
  });
}

Expected<Stream> SimtDriver::createStream() { return Stream{new HostStream}; }
void SimtDriver::destroy(Stream stream) { delete static_cast<HostStream *>(stream.handle); }

Expected<Event> SimtDriver::createEvent(bool) { return Event{new Clock::time_point}; }
void SimtDriver::destroy(Event event) { delete static_cast<Clock::time_point *>(event.handle); }

Expected<void> SimtDriver::record(Event event, Stream stream) {
  return submit(stream, [=]() -> Expected<void> {
    *static_cast<Clock::time_point *>(event.handle) = Clock::now();
    return {};
  });
}

Expected<double> SimtDriver::secondsBetween(Event begin, Event end) {
  auto *from = static_cast<Clock::time_point *>(begin.handle), *to = static_cast<Clock::time_point *>(end.handle);
  return std::chrono::duration<double>(*to - *from).count();
}

Expected<Module> SimtDriver::loadModule(const std::string &image) {
  Expected<cpu::CodeImage> code = cpu::CodeImage::load(image);
  if (!code)
    return passError(std::move(code));
  auto *module = new LoadedModule;
  module->code = std::move(*code);
  return Module{module};
}

void SimtDriver::unload(Module module) { delete static_cast<LoadedModule *>(module.handle); }

Expected<Function> SimtDriver::findFunction(Module module, const std::string &symbol, uint32_t sharedBytes) {
  auto *loaded = static_cast<LoadedModule *>(module.handle);
  auto function = std::make_unique<LoadedFunction>();
  auto *shape = static_cast<const int *>(loaded->code.find("quipuSimtKernel"));
  function->symbol = symbol;
  function->image.entry = loaded->code.find(symbol);
  function->image.current = reinterpret_cast<Thread **(*)()>(loaded->code.find("quipuSimtCurrent"));
  if (!shape || !function->image.entry || !function->image.current)
    return makeError("its image is no kernel for the Simt device");
  function->arguments = size_t(shape[0]);
  function->waveWidth = uint32_t(shape[1]);
  loaded->functions.push_back(std::move(function));
  return Function{loaded->functions.back().get()};
}

Expected<void> SimtDriver::launch(Function function, const LaunchShape &shape, void **arguments, Stream stream) {
  auto *loaded = static_cast<LoadedFunction *>(function.handle);
  std::vector<void *> values;
  for (size_t i = 0; i < loaded->arguments; ++i)
    values.push_back(*static_cast<void **>(arguments[i]));
  return submit(stream, [=]() -> Expected<void> {
    Expected<void> ran =
        grid->run(loaded->image, values, {shape.threads, loaded->waveWidth, shape.sharedBytes}, shape.grid);
    if (!ran)
      return makeError("kernel '{}': {}", loaded->symbol, ran.error().message);
    return {};
  });
}

Expected<void> SimtDriver::beginCapture(Stream stream) {
  static_cast<HostStream *>(stream.handle)->capture = std::make_unique<WorkList>();
  return {};
}

Expected<Graph> SimtDriver::endCapture(Stream stream) {
  return Graph{static_cast<HostStream *>(stream.handle)->capture.release()};
}

Expected<void> SimtDriver::launchGraph(Graph graph, Stream) {
  for (const Work &work : *static_cast<WorkList *>(graph.handle))
    if (Expected<void> done = work(); !done)
      return done;
  return {};
}

void SimtDriver::destroy(Graph graph) { delete static_cast<WorkList *>(graph.handle); }

} // namespace quipu::simt
