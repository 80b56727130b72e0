#include "runtime/Device/Gpu/CopyProbe.h"

#include <algorithm>

namespace quipu::gpu {
namespace {

class CopyProbe : public BandwidthProbe {
public:
  CopyProbe(std::shared_ptr<GpuDriver> driver, uint64_t bytes) : driver(std::move(driver)), bytes(bytes) {}
  ~CopyProbe() override {
    if (!driver->useFromThisThread())
      return;
    driver->release(block);
    driver->destroy(stream);
    driver->destroy(begin);
    driver->destroy(end);
  }

  Expected<> start();
  std::string_view kind() const override { return "copy"; }
  Expected<Transfer> sample() override;

private:
  std::shared_ptr<GpuDriver> driver;
  uint64_t bytes; // of a copy
  Address block = 0;
  Stream stream = {};
  Event begin = {}, end = {};
};

template <typename T> Expected<> keep(Expected<T> made, T &place) {
  if (!made)
    return passError(std::move(made));
  place = *made;
  return {};
}

Expected<> CopyProbe::start() {
  if (auto done = keep(driver->allocate(2 * bytes), block); !done)
    return done;
  if (auto done = keep(driver->createStream(), stream); !done)
    return done;
  if (auto done = keep(driver->createEvent(true), begin); !done)
    return done;
  return keep(driver->createEvent(true), end);
}

Expected<Transfer> CopyProbe::sample() {
  constexpr double patience = 30; // seconds
  for (Expected<void> done : {driver->useFromThisThread(), driver->record(begin, stream),
                              driver->copyWithinDevice(block + bytes, block, bytes, stream),
                              driver->record(end, stream), waitFor(*driver, end, patience)})
    if (!done)
      return passError(std::move(done));
  Expected<double> seconds = driver->secondsBetween(begin, end);
  if (!seconds)
    return passError(std::move(seconds));
  return Transfer{2 * static_cast<double>(bytes), *seconds};
}

} // namespace

Expected<std::unique_ptr<BandwidthProbe>> startCopyProbe(std::shared_ptr<GpuDriver> driver) {
  if (Expected<void> used = driver->useFromThisThread(); !used)
    return passError(std::move(used));
  Expected<uint64_t> free = driver->freeMemory();
  if (!free)
    return passError(std::move(free));
  auto probe =
      std::make_unique<CopyProbe>(std::move(driver), std::min<uint64_t>(uint64_t(1) << 30, *free / 8) / 4096 * 4096);
  if (auto started = probe->start(); !started)
    return passError(std::move(started));
  return probe;
}

} // namespace quipu::gpu
