#include "compiler/Codegen/Gpu/FindChip.h"

namespace quipu::gpu {

Expected<Chip> findChip(const std::vector<Chip> &chips, std::string_view name, std::string_view backend) {
  std::string known;
  for (const Chip &chip : chips) {
    if (chip.name == name)
      return chip;
    known += (known.empty() ? "" : ", ") + chip.name;
  }
  if (name.empty())
    return makeError("{} needs a chip, such as {}:{}; the known ones: {}", backend, backend, chips.front().name, known);
  return makeError("{} has no chip \"{}\"; the known ones: {}", backend, name, known);
}

} // namespace quipu::gpu
