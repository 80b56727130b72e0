#include "runtime/Device/RopeTable.h"

#include <cmath>

namespace quipu {

void fillRopeTable(const fb::RopeTable &table, uint32_t positions, float *out) {
  uint32_t half = table.dim() / 2;
  for (uint32_t position = 0; position < positions; ++position, out += table.dim())
    for (uint32_t i = 0; i < half; ++i) {
      double angle = position * table.inv_freq()->Get(i);
      out[i] = static_cast<float>(std::cos(angle) * table.attention_factor());
      out[half + i] = static_cast<float>(std::sin(angle) * table.attention_factor());
    }
}

} // namespace quipu
