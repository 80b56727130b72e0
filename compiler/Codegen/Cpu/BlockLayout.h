// How blocks of quantised weights lie in a panel of 64 rows, and what their numbers mean. A panel is a sequence of
// units, each one block of the storage format for all 64 rows; a unit takes as many bytes as the 64 blocks of the file.
//
// A unit begins with its scales, which are read first (f16 stays f16):
//
//   one scale   d [64] f16, then zero points [64] u8 where the format has them
//   q4_k        d [64], dmin [64] f16, then three 32-bit words [3][64]: sixteen fields of six bits, scale and minimum
//   of
//               run r as fields 2 r and 2 r + 1; word i holds fields 5 i to 5 i + 4, and bits 30 and 31 of the words
//               are field 15, two bits each
//   q6_k        d [64] f16, then [16][64] i8, one for 16 of k
//
// Then its runs of 32 of k, each eight quads of four: the four that one int8 dot-product instruction multiplies stand
// side by side. A run is
//
//   8 bits   [8 quads][64 rows][4] u8
//   4 bits   [4][64][4] bytes: quad q low, quad q + 4 high
//   6 bits   the low nibbles so, then the high bit pairs [2][64][4]: byte w, pair p belongs to quad 4 w + p
//
// Stored values are unsigned (the instruction multiplies unsigned by signed): a signed q8_0 or table value v is v +
// 128.
//
// Unpacked: what the kernel for many rows multiplies, made once for a panel: units of one run of 8-bit values with
// scales (and minimums) as f32 [64].
#pragma once

#include "runtime/Artifact/StorageFormat.h"

#include <optional>

namespace quipu::cpu {

constexpr int64_t panelRows = 64;
constexpr int64_t runColumns = 32, quadsInRun = 8;

struct BlockLayout {
  enum class Scales { F16, F32, Q4K, Q6K };

  int64_t columns;                     // of a unit: whole runs
  int64_t valueBits;                   // 8, 6 or 4
  int64_t bias = 0;                    // weight = scale * (value - bias) - minimum, value unsigned
  bool hasMinimum = false;             // the other formats have a bias instead
  bool isLevel = false;                // the value is an index into iq4_nl's levels
  Scales scales = Scales::F16;         // where scale and minimum are
  int64_t segmentColumns = runColumns; // that share a scale: 16 or more, counted within a run

  // Nothing where elements stand by themselves.
  static std::optional<BlockLayout> of(const StorageFormat &format);
  // The same numbers unpacked.
  BlockLayout unpacked() const;

  int64_t runs() const { return columns / runColumns; }
  int64_t segments() const { return runColumns / segmentColumns; } // of a run
  int64_t scaleBytes() const;
  int64_t runBytes() const { return panelRows * runColumns * valueBits / 8; }
  int64_t unitBytes() const { return scaleBytes() + runs() * runBytes(); }
};

} // namespace quipu::cpu
