#include "runtime/Device/Gpu/StagingSink.h"

#include <algorithm>

namespace quipu::gpu {

StagingSink::~StagingSink() {
  for (Slot &slot : slots) {
    (void)waitForCopy(slot);
    driver.destroy(slot.copied);
    driver.releasePinned(slot.memory);
  }
  driver.destroy(stream);
}

Expected<void> StagingSink::allocate(unsigned threads, uint64_t chunkBytes) {
  Expected<Stream> made = driver.createStream();
  if (!made)
    return passError(std::move(made));
  stream = *made;
  slots.resize(slotsFor(threads));
  for (Slot &slot : slots) {
    Expected<Event> event = driver.createEvent(false);
    if (!event)
      return passError(std::move(event));
    slot.copied = *event;
    Expected<std::byte *> memory = driver.allocatePinned(chunkBytes);
    if (!memory)
      return passError(std::move(memory));
    slot.memory = *memory;
  }
  return {};
}

Expected<void> StagingSink::waitForCopy(Slot &slot) {
  if (!slot.copying)
    return {};
  slot.copying = false;
  return waitFor(driver, slot.copied, timeout);
}

Expected<std::byte *> StagingSink::take(uint64_t bytes, const std::vector<WeightPiece> &pieces) {
  if (Expected<void> used = driver.useFromThisThread(); !used)
    return passError(std::move(used));
  Slot *slot = nullptr;
  {
    std::lock_guard<std::mutex> lock(mutex);
    do {
      slot = &slots[next++ % slots.size()]; // the one that was delivered longest ago comes first
    } while (slot->filling);
    slot->filling = true;
  }
  if (Expected<void> waited = waitForCopy(*slot); !waited)
    return passError(std::move(waited));
  return slot->memory;
}

Expected<void> StagingSink::deliver(std::byte *chunk, const std::vector<WeightPiece> &pieces) {
  std::lock_guard<std::mutex> lock(mutex);
  Slot &slot = *std::find_if(slots.begin(), slots.end(), [&](const Slot &slot) { return slot.memory == chunk; });
  slot.filling = false;
  if (pieces.empty())
    return {};
  for (const WeightPiece &piece : pieces)
    if (Expected<void> copied = driver.copyToDevice(block + piece.to, chunk + piece.from, piece.bytes, stream); !copied)
      return copied;
  Expected<void> recorded = driver.record(slot.copied, stream);
  slot.copying = recorded.has_value();
  return recorded;
}

Expected<void> StagingSink::finish() {
  for (Slot &slot : slots)
    if (Expected<void> waited = waitForCopy(slot); !waited)
      return waited;
  return {};
}

} // namespace quipu::gpu
