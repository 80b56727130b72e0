// How matmul weights and packed inputs lie in memory. Code generators, the packer and the memory planner read it here.
//
// panel64: panels of 64 rows of W. Within a panel k runs slowest, so a decode step reads one sequential stream: f32 and
// f16 [N/64][K][64]; bf16 [N/64][ceil(K/2)][64][2], the pair of k that one dot-product instruction takes side by side.
// N is padded with zero rows, odd K with a zero column. Gated (W holds N gate rows, then N up rows): panel p holds gate
// rows 32p .. 32p+31, then up rows 32p .. 32p+31; each half is padded to a multiple of 32. Quantised weights:
// [N/64][blocks of K], as BlockLayout.h says.
#pragma once

#include "compiler/Codegen/Cpu/BlockLayout.h"
#include "compiler/Target/Cpu/Chip.h"
#include "runtime/Artifact/StorageFormat.h"
#include "runtime/Support/Rounding.h"

#include <cstdint>
#include <optional>

namespace quipu::cpu {

struct PanelLayout {
  int64_t n, k; // n: outputs; the gated form has two rows of W for each
  StorageFormat format;
  bool gated;

  PanelLayout(int64_t n, int64_t k, const StorageFormat &format, bool gated = false)
      : n(n), k(k), format(format), gated(gated) {}

  // A group is what lies together for all rows of a panel: a k, a pair of k (bf16), a block.
  int64_t groupColumns() const { return format.dtype == fb::DType::bf16 ? 2 : format.blockElements; }
  int64_t groups() const { return divideUp(k, groupColumns()); }
  int64_t groupBytes() const { return panelRows * (format.dtype == fb::DType::bf16 ? 4 : int64_t(format.blockBytes)); }
  int64_t outputsPerPanel() const { return gated ? panelRows / 2 : panelRows; }
  int64_t panels() const { return divideUp(n, outputsPerPanel()); }
  int64_t panelBytes() const { return groups() * groupBytes(); }
  int64_t bytes() const { return panels() * panelBytes(); }
};

// The form in which matmul reads its input. Rows are padded to the tile, k to 32 or the weight's block, with zeros, so
// a row takes columns() elements. Padding rows hold numbers of no meaning.
//
// For weights that stand by themselves: [ceil(M/tile)][groups][tile] of f32, or of bf16 pairs where the chip has a bf16
// dot product and the weight is bf16. For blocks: a run of 32 columns of a tile is int8 quads [8][tile][4], then the
// scale of each row [tile], then [corrections][tile] what the weight's bias or minimum needs, for each segment of the
// run: int32 -bias * sum, or the f32 sum, of the row's int8.
//
// A run's scale is f32 for weights of eight bits. For smaller ones, whose own rounding is far coarser, it is the row's
// scale times a power of two: the run has a shift (int32, 0 to mostShift) of its integers to the left, and the tile
// ends with the f32 scales of its rows [tile]. So the microkernel multiplies a run's sums once, by the weight's scale,
// on the only pipes that the dot products can use as well; sums of f32 are in units of the row's scale. Integer minima
// of the weights are multiplied with integers too: one correction holds two int16 sums * 2^(shift - minimumShift), low
// that of the run and above it that of the run before; or those of the run's two segments.
//
// A chip that has no dot product of bytes wants 16 bits for weights of eight: [8][2][tile][2], columns 0 and 2 of the
// quad, then 1 and 3. Where a row takes two `parts`, the tile has twice the rows: after each its remainder, what
// rounding to int8 left, as a row of its own. The product is the sum of both, as near as one of 15 bits.
struct PackedInput {
  int64_t k;
  bool bf16 = false;
  std::optional<BlockLayout> blocks;
  bool widened = false;   // blocks: 16 bits
  bool hasShifts = false; // blocks: a run has a shift instead of a scale
  int64_t parts = 1;      // blocks: rows of int8 that a row takes, 1 or 2

  PackedInput(int64_t k, const StorageFormat &weight, const Chip &chip, int64_t parts = 1)
      : k(k), bf16(weight.dtype == fb::DType::bf16 && chip.hasBf16Dot), blocks(BlockLayout::of(weight)),
        widened(blocks && !chip.hasVnni && blocks->quadsIn16Bits() == 0), hasShifts(blocks && blocks->valueBits < 8),
        parts(parts) {}

  int64_t columns() const {
    int64_t unit = blocks ? blocks->columns : runColumns;
    return roundUp(k, unit);
  }
  int64_t rowBytes() const { return blocks ? parts * (runsBytes() + (hasShifts ? 4 : 0)) : columns() * (bf16 ? 2 : 4); }

  // Of blocks. Offsets are from the start of a run of a tile; tile and row count parts.
  int64_t wordsOfQuad() const { return widened ? 2 : 1; }
  int64_t corrections() const { return blocks->hasIntegerMinima() ? 1 : blocks->segments(); }
  int64_t runBytes() const { return (quadsInRun * wordsOfQuad() + 1 + corrections()) * 4; }
  int64_t wordAt(int64_t tile, int64_t quad, int64_t word, int64_t row) const {
    return ((quad * wordsOfQuad() + word) * tile + row) * 4;
  }
  // A run's scale or shift.
  int64_t scaleAt(int64_t tile, int64_t row) const { return (quadsInRun * wordsOfQuad() * tile + row) * 4; }
  int64_t correctionAt(int64_t tile, int64_t correction, int64_t row) const {
    return scaleAt(tile, row) + (correction + 1) * tile * 4;
  }
  int64_t runsBytes() const { return columns() / runColumns * runBytes(); } // of a row
  // From the start of the tile: the scale of a row, where runs have shifts. It belongs to a run of shift 0.
  int64_t rowScaleAt(int64_t tile, int64_t row) const { return tile * runsBytes() + row * 4; }

  // At a shift of 8 the sum of a run, of at most 32 * 127, becomes eight times as large.
  static constexpr int64_t mostShift = 8, minimumShift = 5;
};

// Rows a tile of `packed_input` kernels, parts counted: as many as keep all accumulators, a row of weights and a
// broadcast in registers. int8 dot products take one vector of weights at a time, so unpacking serves more rows.
inline int64_t packedTile(const StorageFormat &weight, const Chip &chip) {
  return weight.isBlocked() && chip.hasVnni ? 8 : 6;
}

} // namespace quipu::cpu
