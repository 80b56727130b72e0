// The host as a GPU: what a driver does, done at once, with kernels that were compiled for the host. Launches run on
// all cores; everything is finished when the call returns.
#pragma once

#include "runtime/Device/Cpu/CodeImage.h"
#include "runtime/Device/Gpu/GpuDriver.h"
#include "runtime/Device/HugeBlock.h"
#include "runtime/Device/Simt/Grid.h"

#include <map>

namespace quipu::simt {

class SimtDriver : public gpu::GpuDriver {
public:
  static Expected<std::unique_ptr<SimtDriver>> open();

  const gpu::DeviceInfo &info() const override { return deviceInfo; }
  Expected<void> useFromThisThread() override { return {}; }

  Expected<uint64_t> freeMemory() override;
  Expected<gpu::Address> allocate(uint64_t bytes) override;
  void release(gpu::Address address) override { blocks.erase(address); }
  Expected<std::byte *> allocatePinned(uint64_t bytes) override;
  void releasePinned(std::byte *memory) override;

  Expected<void> copyToDevice(gpu::Address to, const std::byte *pinned, uint64_t bytes, gpu::Stream stream) override;
  Expected<void> copyToHost(std::byte *pinned, gpu::Address from, uint64_t bytes, gpu::Stream stream) override;
  Expected<void> copyWithinDevice(gpu::Address to, gpu::Address from, uint64_t bytes, gpu::Stream stream) override;
  Expected<void> fillZero(gpu::Address to, uint64_t bytes, gpu::Stream stream) override;

  Expected<gpu::Stream> createStream() override;
  void destroy(gpu::Stream stream) override;
  Expected<gpu::Event> createEvent(bool timed) override;
  void destroy(gpu::Event event) override;
  Expected<void> record(gpu::Event event, gpu::Stream stream) override;
  Expected<bool> isDone(gpu::Event) override { return true; }
  Expected<double> secondsBetween(gpu::Event begin, gpu::Event end) override;

  Expected<gpu::Module> loadModule(const std::string &image) override;
  void unload(gpu::Module module) override;
  Expected<gpu::Function> findFunction(gpu::Module module, const std::string &symbol, uint32_t sharedBytes) override;
  Expected<void> launch(gpu::Function function, const gpu::LaunchShape &shape, void **arguments,
                        gpu::Stream stream) override;

  Expected<void> beginCapture(gpu::Stream stream) override;
  Expected<gpu::Graph> endCapture(gpu::Stream stream) override;
  Expected<void> launchGraph(gpu::Graph graph, gpu::Stream stream) override;
  void destroy(gpu::Graph graph) override;

private:
  struct LoadedModule;
  struct LoadedFunction;
  using Work = std::function<Expected<void>()>;
  using WorkList = std::vector<Work>;
  struct HostStream {
    std::unique_ptr<WorkList> capture; // null: work is done at once
  };

  Expected<void> submit(gpu::Stream stream, Work work);

  gpu::DeviceInfo deviceInfo;
  std::unique_ptr<GridRunner> grid;
  std::map<gpu::Address, HugeBlock> blocks;
};

} // namespace quipu::simt
