// The chips of a backend's table, and one of them by its name.
#pragma once

#include "compiler/Codegen/Gpu/Chip.h"
#include "runtime/Support/Error.h"

#include <string_view>
#include <vector>

namespace quipu::gpu {

// The chip of each row of a table, for as long as the program runs: compiles may go on in threads while it ends.
template <typename Rows, typename Describe> const std::vector<Chip> &makeChips(const Rows &rows, Describe describe) {
  auto *chips = new std::vector<Chip>;
  for (const auto &row : rows)
    chips->push_back(describe(row));
  return *chips;
}

// Errors: no name, or an unknown one; both list the known ones. backend: "cuda".
Expected<Chip> findChip(const std::vector<Chip> &chips, std::string_view name, std::string_view backend);

} // namespace quipu::gpu
