#include "runtime/Engine/BatchBuilder.h"

namespace quipu {

void BatchBuilder::clear() {
  batch.clear();
  batch.seqStarts.push_back(0);
}

int32_t BatchBuilder::addTokens(const std::vector<int32_t> &tokens, size_t cached, size_t count,
                                const std::vector<int32_t> &pages) {
  auto first = static_cast<int32_t>(batch.ids.size());
  for (size_t position = cached; position < cached + count; ++position) {
    batch.ids.push_back(tokens[position]);
    batch.positions.push_back(static_cast<int32_t>(position));
    int32_t page = pages[position / plan.pageSize];
    batch.slots.push_back(page * static_cast<int32_t>(plan.pageSize) + static_cast<int32_t>(position % plan.pageSize));
  }
  batch.seqStarts.push_back(static_cast<int32_t>(batch.ids.size()));
  batch.contextLens.push_back(static_cast<int32_t>(cached + count));
  // A row of the table is as long as the longest context; page 0 stands in for those past the end and is not read.
  size_t row = batch.pageTable.size();
  batch.pageTable.insert(batch.pageTable.end(), pages.begin(), pages.end());
  batch.pageTable.resize(row + plan.limits.pageStride, 0);
  return first;
}

uint32_t BatchBuilder::askForRow(int32_t token, const RowSampling &sampling, const std::vector<uint32_t> &seen) {
  if (!seen.empty()) { // rows without, which are not read, have their place
    batch.seen.resize(batch.rows.size() * seen.size());
    batch.seen.insert(batch.seen.end(), seen.begin(), seen.end());
  }
  batch.rows.push_back(token);
  batch.sampling.push_back(sampling);
  return static_cast<uint32_t>(batch.rows.size() - 1);
}

} // namespace quipu
