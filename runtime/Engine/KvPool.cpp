#include "runtime/Engine/KvPool.h"

namespace quipu {

KvPool::KvPool(uint32_t pages, uint32_t pageSize) : pages(pages), positions(pageSize) {
  free.reserve(pages);
  for (uint32_t page = pages; page-- > 0;)
    free.push_back(static_cast<int32_t>(page));
}

std::vector<int32_t> KvPool::take(uint32_t count) {
  if (count > free.size())
    return {};
  std::vector<int32_t> taken(free.rbegin(), free.rbegin() + count);
  free.resize(free.size() - count);
  return taken;
}

void KvPool::giveBack(const std::vector<int32_t> &taken) { free.insert(free.end(), taken.rbegin(), taken.rend()); }

} // namespace quipu
