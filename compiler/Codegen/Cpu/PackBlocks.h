// Repacks blocks of a storage format into the units of a panel (BlockLayout.h). No number changes.
#pragma once

#include "compiler/Codegen/Cpu/BlockLayout.h"

#include <array>
#include <cstddef>

namespace quipu::cpu {

// One block for each row of the panel, in no way aligned; null for a row of padding.
using PanelBlocks = std::array<const std::byte *, panelRows>;

// Writes one unit: 64 * format.blockBytes.
void packUnit(const StorageFormat &format, const PanelBlocks &blocks, std::byte *unit);

} // namespace quipu::cpu
