#include "compiler/Codegen/Cpu/PackBlocks.h"

#include "compiler/Quantization/Blocks.h"
#include "compiler/Quantization/Decode.h"

#include <cstring>

namespace quipu::cpu {

using namespace quantization;

namespace {

constexpr uint32_t lowNibbles = 0x0f0f0f0f, lowPairs = 0x03030303, lowBits = 0x01010101;

// Four elements of k.
using Word = uint32_t;

Word wordAt(const uint8_t *bytes, int64_t index) {
  Word word;
  std::memcpy(&word, bytes + 4 * index, 4);
  return word;
}

// Writes what belongs to one row of the panel.
class RowOfUnit {
public:
  RowOfUnit(const BlockLayout &layout, std::byte *unit, int64_t row) : layout(layout), unit(unit), row(row) {}

  // Word `index` of a run's high bits.
  void highWord(int64_t run, int64_t index, Word value) {
    std::memcpy(at(run, 0) - layout.runHeadBytes() + layout.runScaleBytes() + (index * panelRows + row) * 4, &value, 4);
  }
  void runScale(int64_t run, uint8_t value) { (at(run, 0) - layout.runHeadBytes())[row] = std::byte(value); }
  // Word `index` of a segment's values.
  void word(int64_t run, int64_t segment, int64_t index, Word value) {
    std::memcpy(at(run, segment) + layout.segmentScaleBytes() + (index * panelRows + row) * 4, &value, 4);
  }
  void segmentScale(int64_t run, int64_t segment, uint8_t value) { at(run, segment)[row] = std::byte(value); }
  // A number of an array [64] that begins `before` bytes from the start of the unit.
  template <typename T> void number(int64_t before, T value) {
    std::memcpy(unit + before + row * int64_t(sizeof(T)), &value, sizeof(T));
  }

private:
  std::byte *at(int64_t run, int64_t segment) {
    return unit + layout.unitScaleBytes() + run * layout.runBytes() + layout.runHeadBytes() +
           segment * layout.segmentBytes();
  }

  const BlockLayout &layout;
  std::byte *unit;
  int64_t row;
};

// q8_0, q4_0, iq4_nl and integers per group: the file's bytes already are the panel's words.
void packSimple(const StorageFormat &format, const BlockLayout &layout, const uint8_t *block, RowOfUnit &out) {
  bool group = format.dtype != fb::DType::q8_0 && format.dtype != fb::DType::q4_0 && format.dtype != fb::DType::iq4_nl;
  int64_t head = group ? groupFormat(format).headBytes() : 2, words = runColumns * layout.valueBits / 32;
  // Signed bytes get the bias.
  Word flip = layout.valueBits == 8 && !layout.hasMinimum() ? 0x80808080 : 0;
  for (int64_t run = 0; run < layout.runs(); ++run)
    for (int64_t i = 0; i < words; ++i)
      out.word(run, 0, i, wordAt(block + head, run * words + i) ^ flip);
  uint16_t scale;
  std::memcpy(&scale, block, 2);
  out.number(0, scale);
  if (layout.hasMinimum())
    out.number(2 * panelRows, block[2]);
}

// Bits 0, 4, 8, ... side by side.
Word everyFourth(Word bits) {
  bits &= 0x11111111;
  bits = (bits | bits >> 3) & 0x03030303;
  bits = (bits | bits >> 6) & 0x000f000f;
  return (bits | bits >> 12) & 0xff;
}

// q4_1, q5_0, q5_1: the nibbles are the panel's words; bit j of `high` is element j's.
void packOffsetsAndFifthBits(const StorageFormat &format, const uint8_t *block, RowOfUnit &out) {
  bool hasOffset = format.dtype != fb::DType::q5_0, hasHigh = format.dtype != fb::DType::q4_1;
  const uint8_t *rest = block + (hasOffset ? 4 : 2);
  uint16_t scale, offset;
  std::memcpy(&scale, block, 2);
  std::memcpy(&offset, block + 2, 2);
  out.number(0, scale);
  if (hasOffset)
    out.number(2 * panelRows, offset);
  if (hasHigh) {
    Word high = wordAt(rest, 0), byQuads = 0;
    for (int byte = 0; byte < 4; ++byte)
      byQuads |= everyFourth(high >> byte) << 8 * byte;
    out.word(0, 0, 4, byQuads);
    rest += 4;
  }
  for (int64_t i = 0; i < 4; ++i)
    out.word(0, 0, i, wordAt(rest, i));
}

void packMxfp4(const uint8_t *block, RowOfUnit &out) {
  out.number(0, block[0]);
  for (int64_t i = 0; i < 4; ++i)
    out.word(0, 0, i, wordAt(block + 1, i));
}

// The high bits of run `run` whose element j has bit `run` of byte j: bit p of the word's bytes is quad p's.
Word bitsOfQuads(const uint8_t *bytes, int64_t run) {
  Word word = 0;
  for (int64_t quad = 0; quad < quadsInRun; ++quad)
    word |= (wordAt(bytes, quad) >> run & lowBits) << quad;
  return word;
}

// q4_k and q5_k.
template <typename Block> void packWithMinima(const BlockLayout &layout, const uint8_t *bytes, RowOfUnit &out) {
  Block block;
  std::memcpy(&block, bytes, sizeof(block));
  uint32_t minima = 0;
  for (int64_t run = 0; run < layout.runs(); ++run) {
    auto nibbles = [&](int64_t quad) { return wordAt(block.nibbles, run / 2 * 8 + quad) >> run % 2 * 4 & lowNibbles; };
    for (int64_t quad = 0; quad < 4; ++quad)
      out.word(run, 0, quad, nibbles(quad) | nibbles(quad + 4) << 4);
    if constexpr (std::is_same_v<Block, BlockQ5K>)
      out.word(run, 0, 4, bitsOfQuads(block.high, run));
    ScaleAndMin pair = scaleAndMin(block.scales, int(run));
    out.segmentScale(run, 0, uint8_t(pair.scale | pair.min >> 4 << 6));
    minima |= uint32_t(pair.min & 15) << (run / 2 * 4 + (1 - run % 2) * 16);
  }
  out.number(0, block.d);
  out.number(2 * panelRows, block.dmin);
  out.number(4 * panelRows, minima);
}

// Bit pair p of the result's bytes: quad p of the segment.
Word pairsOfSegment(const uint8_t (&pairs)[2][32], int64_t run, int64_t segment) {
  Word word = 0;
  for (int64_t quad = 0; quad < 4; ++quad)
    word |= (wordAt(pairs[run / 4], 4 * segment + quad) >> 2 * (run % 4) & lowPairs) << 2 * quad;
  return word;
}

void packQ2K(const BlockLayout &layout, const uint8_t *bytes, RowOfUnit &out) {
  BlockQ2K block;
  std::memcpy(&block, bytes, sizeof(block));
  for (int64_t run = 0; run < layout.runs(); ++run)
    for (int64_t segment = 0; segment < 2; ++segment) {
      out.segmentScale(run, segment, block.scales[2 * run + segment]);
      out.word(run, segment, 0, pairsOfSegment(block.pairs, run, segment));
    }
  out.number(0, block.d);
  out.number(2 * panelRows, block.dmin);
}

void packQ3K(const BlockLayout &layout, const uint8_t *bytes, RowOfUnit &out) {
  BlockQ3K block;
  std::memcpy(&block, bytes, sizeof(block));
  uint32_t highScales = 0;
  for (int64_t run = 0; run < layout.runs(); ++run) {
    out.highWord(run, 0, bitsOfQuads(block.high, run));
    uint8_t lowScales = 0;
    for (int segment = 0; segment < 2; ++segment) {
      int index = int(2 * run) + segment, scale = scaleOfQ3K(block.scales, index) + 32;
      lowScales = uint8_t(lowScales | (scale & 15) << 4 * segment);
      highScales |= uint32_t(scale >> 4) << 2 * index;
      out.word(run, segment, 0, pairsOfSegment(block.pairs, run, segment));
    }
    out.runScale(run, lowScales);
  }
  out.number(0, block.d);
  out.number(2 * panelRows, highScales);
}

void packIq4Xs(const BlockLayout &layout, const uint8_t *bytes, RowOfUnit &out) {
  BlockIq4Xs block;
  std::memcpy(&block, bytes, sizeof(block));
  for (int64_t run = 0; run < layout.runs(); ++run)
    for (int64_t i = 0; i < 4; ++i)
      out.word(run, 0, i, wordAt(block.nibbles, 4 * run + i));
  out.number(0, block.d);
  out.number(2 * panelRows, block.highScales);
  out.number(4 * panelRows, wordAt(block.lowScales, 0));
}

void packQ6K(const BlockLayout &layout, const uint8_t *bytes, RowOfUnit &out) {
  BlockQ6K block;
  std::memcpy(&block, bytes, sizeof(block));
  for (int64_t run = 0; run < layout.runs(); ++run) {
    int64_t half = run / 4, part = run % 4;
    auto low = [&](int64_t quad) { return wordAt(block.low[half], part % 2 * 8 + quad) >> part / 2 * 4 & lowNibbles; };
    auto high = [&](int64_t quad) { return wordAt(block.high[half], quad) >> 2 * part & lowPairs; };
    for (int64_t segment = 0; segment < 2; ++segment) {
      int64_t quad = 4 * segment;
      out.word(run, segment, 0, low(quad) | low(quad + 2) << 4);
      out.word(run, segment, 1, low(quad + 1) | low(quad + 3) << 4);
      out.word(run, segment, 2, high(quad) | high(quad + 1) << 2 | high(quad + 2) << 4 | high(quad + 3) << 6);
      out.segmentScale(run, segment, uint8_t(block.scales[2 * run + segment]));
    }
  }
  out.number(0, block.d);
}

void packRow(const StorageFormat &format, const BlockLayout &layout, const uint8_t *block, RowOfUnit &out) {
  switch (format.dtype) {
  case fb::DType::q4_1:
  case fb::DType::q5_0:
  case fb::DType::q5_1:
    return packOffsetsAndFifthBits(format, block, out);
  case fb::DType::mxfp4:
    return packMxfp4(block, out);
  case fb::DType::q2_k:
    return packQ2K(layout, block, out);
  case fb::DType::q3_k:
    return packQ3K(layout, block, out);
  case fb::DType::q4_k:
    return packWithMinima<BlockQ4K>(layout, block, out);
  case fb::DType::q5_k:
    return packWithMinima<BlockQ5K>(layout, block, out);
  case fb::DType::q6_k:
    return packQ6K(layout, block, out);
  case fb::DType::iq4_xs:
    return packIq4Xs(layout, block, out);
  default:
    return packSimple(format, layout, block, out);
  }
}

} // namespace

void packUnit(const StorageFormat &format, const PanelBlocks &blocks, std::byte *unit) {
  BlockLayout layout = *BlockLayout::of(format);
  for (int64_t row = 0; row < panelRows; ++row) {
    RowOfUnit out(layout, unit, row);
    static constexpr uint8_t zeros[256] = {}; // its scale is 0 as well
    auto *block = blocks[row] ? reinterpret_cast<const uint8_t *>(blocks[row]) : zeros;
    packRow(format, layout, block, out);
  }
}

} // namespace quipu::cpu
