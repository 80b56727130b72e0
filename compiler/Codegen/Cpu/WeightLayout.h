// How matmul weights and packed inputs lie in memory. Code generators, the packer and the memory planner read it here.
//
// panel64: panels of 64 rows of W. Within a panel k runs slowest, so a decode step reads one sequential stream: f32
// [N/64][K][64]; bf16 [N/64][ceil(K/2)][64][2], the pair of k that one dot-product instruction takes side by side. N is
// padded with zero rows, odd K with a zero column. Gated (W holds N gate rows, then N up rows): panel p holds gate rows
// 32p .. 32p+31, then up rows 32p .. 32p+31; each half is padded to a multiple of 32.
#pragma once

#include "compiler/Codegen/KernelSpec.h"
#include "compiler/Target/Cpu/Chip.h"

#include <cstdint>

namespace quipu::cpu {

constexpr int64_t panelRows = 64;

struct PanelLayout {
  int64_t n, k; // n: outputs; the gated form has two rows of W for each
  Storage storage;
  bool gated;

  PanelLayout(int64_t n, int64_t k, Storage storage, bool gated = false) : n(n), k(k), storage(storage), gated(gated) {}

  // k, or pairs of k, of a panel: 256 bytes each.
  int64_t groups() const { return storage == Storage::F32 ? k : (k + 1) / 2; }
  int64_t outputsPerPanel() const { return gated ? panelRows / 2 : panelRows; }
  int64_t panels() const { return (n + outputsPerPanel() - 1) / outputsPerPanel(); }
  int64_t panelBytes() const { return groups() * panelRows * 4; }
  int64_t bytes() const { return panels() * panelBytes(); }
};

// The form in which matmul reads its input: [ceil(M/tile)][groups][tile] of f32, or of bf16 pairs where the chip has a
// bf16 dot product and the weight is bf16. Rows are padded to the tile, k to 32 (both with zeros), so a row takes
// columns() elements.
struct PackedInput {
  int64_t k;
  bool bf16;

  PackedInput(int64_t k, Storage storage, const Chip &chip) : k(k), bf16(storage == Storage::BF16 && chip.hasBf16Dot) {}

  int64_t columns() const { return (k + 31) / 32 * 32; }
  int64_t elementBytes() const { return bf16 ? 2 : 4; }
  int64_t rowBytes() const { return columns() * elementBytes(); }
};

// Rows a tile of `packed_input` kernels: as many as keep all accumulators, a row of weights and a broadcast in
// registers.
constexpr int64_t packedTile = 6;

} // namespace quipu::cpu
