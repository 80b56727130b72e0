// How blocks of quantised weights lie in a panel of 64 rows, and what their numbers mean. A panel is a sequence of
// units, each one block of the storage format for all 64 rows; a unit takes as many bytes as the 64 blocks of the file.
//
// A unit begins with the scales of all of it (f16 stays f16):
//
//   one scale   d [64] f16, then zero points [64] u8 or offsets [64] f16 where the format has them
//   mxfp4       exponents [64] u8
//   q4_k, q5_k  d [64], dmin [64] f16, then [64] u32: the four low bits of the six-bit minimum of run r are at bit
//               4 (r / 2) and up, 16 more for even r, so that one mask gives the minima of two runs as 16 bits each
//   q2_k        d [64], dmin [64] f16
//   q3_k        d [64] f16, then [64] u32: the two high bits of the scale of segment i (of the unit) are at bit 2 i
//   q6_k        d [64] f16
//   iq4_xs      d [64] f16, then [64] u16 and [64] u32: the two high bits of the scale of run r at bit 2 r, the four
//               low ones at bit 4 r
//
// Then its runs of 32 of k. A run is one segment for each scale (q2_k, q3_k and q6_k have two of 16 columns, the others
// one). A run begins with what its segments share, and a segment is its own scales, then quads of four of k: the four
// that one int8 dot-product instruction multiplies stand side by side. So everything is read in the order it lies in.
//
//   run         q3_k [64] bytes, the four low bits of its segments' scales; others none
//   scales      q4_k, q5_k [64] bytes, the six-bit scale, then the two high bits of the minimum; q2_k [64] bytes, scale
//               and minimum; q6_k [64] i8; others none
//   8 bits      [quads][64][4] u8
//   4 bits      [quads / 2][64][4] bytes: quad q low, quad q + quads / 2 high
//   2 bits      [quads / 4][64][4] bytes: bit pair p of the bytes w belongs to quad p * quads / 4 + w
//   6 bits      the low nibbles so, then the high bit pairs [quads / 4][64][4]: bytes w, pair p belongs to quad 4 w + p
//   5 bits      the low nibbles so, then the high bits [quads / 8][64][4]: bit p belongs to quad p
//   3 bits      the low bit pairs so; the high bits of a run [64][4] lie in front of its segments, bit p of quad p
//
// Stored values are unsigned (the instruction multiplies unsigned by signed): a signed q8_0 or table value v is v + the
// bias.
#pragma once

#include "compiler/Quantization/Blocks.h"
#include "runtime/Artifact/StorageFormat.h"

#include <optional>

namespace quipu::cpu {

constexpr int64_t panelRows = 64;
constexpr int64_t runColumns = 32, quadsInRun = 8;

struct BlockLayout {
  // Where the scales of runs and segments are.
  enum class Scales { F16, Exponent, Q2K, Q3K, Q4K, Q6K, Iq4Xs };
  // What is taken from scale * value: nothing but a bias of the value; scale * zero point; an offset, which is added;
  // small integers of runs or segments, times one factor of the unit.
  enum class Minimum { None, ZeroPoint, Offset, Integers };
  using Levels = std::array<int8_t, 16>;

  int64_t columns = 0;   // of a unit: whole runs
  int64_t valueBits = 0; // 8, 6, 5, 4, 3 or 2
  int64_t bias = 0;      // weight = scale * (value - bias) - minimum, value unsigned
  Scales scales = Scales::F16;
  Minimum minimum = Minimum::None;     // the formats that have one have no bias
  const Levels *levels = nullptr;      // of the formats whose value is an index into them
  int64_t segmentColumns = runColumns; // that share a scale: 16 or more, counted within a run

  // Nothing where elements stand by themselves.
  static std::optional<BlockLayout> of(const StorageFormat &format);

  bool hasMinimum() const { return minimum != Minimum::None; }
  bool hasIntegerMinima() const { return minimum == Minimum::Integers; }

  int64_t runs() const { return columns / runColumns; }
  int64_t segments() const { return runColumns / segmentColumns; } // of a run
  int64_t segmentQuads() const { return segmentColumns / 4; }

  // The bits of a value lie in two places.
  int64_t lowBits() const { return valueBits >= 4 ? valueBits == 8 ? 8 : 4 : 2; }
  int64_t highBits() const { return valueBits - lowBits(); }
  // A segment's high bits fill no words: those of a run lie together.
  bool runHasHighBits() const { return highBits() > 0 && segmentQuads() * highBits() < 8; }

  // How many quads' products with int8, added up in pairs, are sure to stay within 16 bits: of 4 bits 8, of 5 bits 4,
  // of 6 bits 2, of 8 bits (iq4_nl's levels among them) none.
  int64_t quadsIn16Bits() const;

  // Pairs of integer minima, which one instruction multiplies: of two runs, or of the two segments of one.
  int64_t minimumPairs() const { return segments() == 1 ? runs() / 2 : runs(); }
  // The run whose input has the sums for both.
  int64_t runOfPair(int64_t pair) const { return segments() == 1 ? 2 * pair + 1 : pair; }

  int64_t unitScaleBytes() const;
  int64_t runScaleBytes() const { return scales == Scales::Q3K ? panelRows : 0; }
  int64_t runHeadBytes() const { return runScaleBytes() + (runHasHighBits() ? bytesOf(runColumns, highBits()) : 0); }
  int64_t segmentScaleBytes() const;
  int64_t segmentLowBytes() const { return bytesOf(segmentColumns, lowBits()); }
  int64_t segmentBytes() const {
    return segmentScaleBytes() + bytesOf(segmentColumns, runHasHighBits() ? lowBits() : valueBits);
  }
  int64_t runBytes() const { return runHeadBytes() + segments() * segmentBytes(); }
  int64_t unitBytes() const { return unitScaleBytes() + runs() * runBytes(); }

private:
  static int64_t bytesOf(int64_t columns, int64_t bits) { return panelRows * columns * bits / 8; }
};

} // namespace quipu::cpu
