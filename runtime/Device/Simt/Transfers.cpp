#include "runtime/Device/Simt/Transfers.h"

#include <cstring>

namespace quipu::simt {

void ThreadCopies::reset(bool isEager) {
  pending.clear();
  groups = 0;
  eager = isEager;
}

void ThreadCopies::copy(void *shared, const void *global) {
  pending.push_back({shared, global, groups});
  if (eager)
    wait(0);
}

void ThreadCopies::wait(uint64_t newest) {
  size_t done = 0;
  for (; done < pending.size() && (eager || pending[done].group + newest < groups); ++done) {
    if (pending[done].from)
      std::memcpy(pending[done].to, pending[done].from, 16);
    else
      std::memset(pending[done].to, 0, 16);
  }
  pending.erase(pending.begin(), pending.begin() + std::ptrdiff_t(done));
}

void BlockTransfers::reset(bool isEager) {
  barriers.clear();
  pending.clear();
  eager = isEager;
}

std::string BlockTransfers::init(void *barrier, int arrivals) {
  if (arrivals < 1)
    return "a transfer barrier needs at least one arrival";
  barriers[barrier] = {arrivals, arrivals, 0, 0};
  return "";
}

std::string BlockTransfers::arrive(void *barrier, uint32_t bytes) {
  auto entry = barriers.find(barrier);
  if (entry == barriers.end())
    return "arrives at a transfer barrier that was not initialised";
  entry->second.missingBytes += bytes;
  --entry->second.missing;
  endPhaseIfDone(entry->second);
  return "";
}

std::string BlockTransfers::copy(void *shared, const void *global, uint32_t bytes, void *barrier) {
  if (!known(barrier))
    return "a bulk copy reports to a transfer barrier that was not initialised";
  if (bytes % 16 || reinterpret_cast<uintptr_t>(shared) % 16 || reinterpret_cast<uintptr_t>(global) % 16)
    return "a bulk copy's addresses and size must be multiples of 16 bytes";
  Copy copy{shared, global, bytes, barrier};
  if (eager)
    perform(copy);
  else
    pending.push_back(copy);
  return "";
}

bool BlockTransfers::advance() {
  if (pending.empty())
    return false;
  Copy copy = pending.front();
  pending.erase(pending.begin());
  perform(copy);
  return true;
}

void BlockTransfers::perform(const Copy &copy) {
  std::memcpy(copy.to, copy.from, copy.bytes);
  Barrier &barrier = barriers[copy.barrier];
  barrier.missingBytes -= copy.bytes;
  endPhaseIfDone(barrier);
}

void BlockTransfers::endPhaseIfDone(Barrier &barrier) {
  if (barrier.missing == 0 && barrier.missingBytes == 0) {
    ++barrier.phase;
    barrier.missing = barrier.arrivals;
  }
}

} // namespace quipu::simt
