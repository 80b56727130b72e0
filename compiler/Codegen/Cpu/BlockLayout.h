// How blocks of quantised weights lie in a panel of 64 rows, and what their numbers mean. A panel is a sequence of
// units, each one block of the storage format for all 64 rows; a unit takes as many bytes as the 64 blocks of the file.
//
// A unit begins with the scales of all of it (f16 stays f16):
//
//   one scale   d [64] f16, then zero points [64] u8 where the format has them
//   q4_k        d [64], dmin [64] f16, then [64] u32: the four low bits of the six-bit minimum of run r are at bit
//               4 (r / 2) and up, 16 more for even r, so that one mask gives the minima of two runs as 16 bits each
//   q6_k        d [64] f16
//
// Then its runs of 32 of k. A run is one segment for each scale (q6_k has two of 16 columns, the others one), and a
// segment is its own scales, then quads of four of k: the four that one int8 dot-product instruction multiplies stand
// side by side. So everything is read in the order it lies in.
//
//   scales      q4_k [64] bytes, the six-bit scale, then the two high bits of the minimum; q6_k [64] i8; others none
//   8 bits      [quads][64][4] u8
//   4 bits      [quads / 2][64][4] bytes: quad q low, quad q + quads / 2 high
//   6 bits      the low nibbles so, then the high bit pairs [quads / 4][64][4]: byte w, pair p belongs to quad 4 w + p
//
// Stored values are unsigned (the instruction multiplies unsigned by signed): a signed q8_0 or table value v is v +
// 128.
#pragma once

#include "runtime/Artifact/StorageFormat.h"

#include <optional>

namespace quipu::cpu {

constexpr int64_t panelRows = 64;
constexpr int64_t runColumns = 32, quadsInRun = 8;

struct BlockLayout {
  enum class Scales { F16, Q4K, Q6K };

  int64_t columns;                     // of a unit: whole runs
  int64_t valueBits;                   // 8, 6 or 4
  int64_t bias = 0;                    // weight = scale * (value - bias) - minimum, value unsigned
  bool hasMinimum = false;             // the other formats have a bias instead
  bool isLevel = false;                // the value is an index into iq4_nl's levels
  Scales scales = Scales::F16;         // where scale and minimum are
  int64_t segmentColumns = runColumns; // that share a scale: 16 or more, counted within a run

  // Nothing where elements stand by themselves.
  static std::optional<BlockLayout> of(const StorageFormat &format);

  int64_t runs() const { return columns / runColumns; }
  int64_t segments() const { return runColumns / segmentColumns; } // of a run
  int64_t segmentQuads() const { return segmentColumns / 4; }

  // How many quads' products with int8, added up in pairs, are sure to stay within 16 bits: of 4 bits 8, of 6 bits 2,
  // of 8 bits (iq4_nl's levels among them) none.
  int64_t quadsIn16Bits() const {
    int64_t largest = isLevel || valueBits == 8 ? 255 : (int64_t(1) << valueBits) - 1;
    return 32767 / (2 * 127 * largest);
  }

  // The minima of a unit's runs are small integers, times one factor.
  bool hasIntegerMinima() const { return scales == Scales::Q4K; }

  int64_t unitScaleBytes() const;
  int64_t segmentScaleBytes() const { return scales == Scales::F16 ? 0 : panelRows; }
  int64_t segmentBytes() const { return segmentScaleBytes() + panelRows * segmentColumns * valueBits / 8; }
  int64_t runBytes() const { return segments() * segmentBytes(); }
  int64_t unitBytes() const { return unitScaleBytes() + runs() * runBytes(); }
};

} // namespace quipu::cpu
