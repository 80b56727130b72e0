// Weights on their way to a GPU: chunks are read into pinned memory, from where the device copies them while the next
// are read.
#pragma once

#include "runtime/Device/Gpu/GpuDriver.h"
#include "runtime/Device/WeightLoad.h"

#include <mutex>
#include <vector>

namespace quipu::gpu {

class StagingSink : public WeightSink {
public:
  // For that many threads, each with one chunk of at most `chunkBytes` at a time. `block` is where offset 0 of the plan
  // lies on the device.
  StagingSink(GpuDriver &driver, Address block, double timeout) : driver(driver), block(block), timeout(timeout) {}
  ~StagingSink() override;
  StagingSink(const StagingSink &) = delete;
  Expected<void> allocate(unsigned threads, uint64_t chunkBytes);
  // Chunks that are held at a time: some are copied from while every thread reads.
  static unsigned slotsFor(unsigned threads) { return threads + 2; }

  Expected<std::byte *> take(uint64_t bytes, const std::vector<WeightPiece> &pieces) override;
  Expected<void> deliver(std::byte *chunk, const std::vector<WeightPiece> &pieces) override;
  // Waits until all is on the device.
  Expected<void> finish();

private:
  struct Slot {
    std::byte *memory = nullptr;
    Event copied; // once its pieces are on the device
    bool filling = false;
    bool copying = false;
  };
  Expected<void> waitForCopy(Slot &slot);

  GpuDriver &driver;
  Address block;
  double timeout; // seconds
  Stream stream;
  std::mutex mutex;        // of what follows, and of the order of the stream
  std::vector<Slot> slots; // more than there are threads, so one is always to be had
  size_t next = 0;
};

} // namespace quipu::gpu
