#include "compiler/Codegen/Cpu/PackBlocks.h"

#include "compiler/Quantization/Blocks.h"
#include "compiler/Quantization/Decode.h"

#include <cstring>

namespace quipu::cpu {

using namespace quantization;

namespace {

constexpr uint32_t lowNibbles = 0x0f0f0f0f, lowPairs = 0x03030303;

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
    return unit + layout.unitScaleBytes() + run * layout.runBytes() + segment * layout.segmentBytes();
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
  Word flip = layout.valueBits == 8 && !layout.hasMinimum ? 0x80808080 : 0;
  for (int64_t run = 0; run < layout.runs(); ++run)
    for (int64_t i = 0; i < words; ++i)
      out.word(run, 0, i, wordAt(block + head, run * words + i) ^ flip);
  uint16_t scale;
  std::memcpy(&scale, block, 2);
  out.number(0, scale);
  if (layout.hasMinimum)
    out.number(2 * panelRows, block[2]);
}

void packQ4K(const BlockLayout &layout, const uint8_t *bytes, RowOfUnit &out) {
  BlockQ4K block;
  std::memcpy(&block, bytes, sizeof(block));
  uint32_t minima = 0;
  for (int64_t run = 0; run < layout.runs(); ++run) {
    auto nibbles = [&](int64_t quad) { return wordAt(block.nibbles, run / 2 * 8 + quad) >> run % 2 * 4 & lowNibbles; };
    for (int64_t quad = 0; quad < 4; ++quad)
      out.word(run, 0, quad, nibbles(quad) | nibbles(quad + 4) << 4);
    ScaleAndMin pair = scaleAndMin(block, int(run));
    out.segmentScale(run, 0, uint8_t(pair.scale | pair.min >> 4 << 6));
    minima |= uint32_t(pair.min & 15) << (run / 2 * 4 + (1 - run % 2) * 16);
  }
  out.number(0, block.d);
  out.number(2 * panelRows, block.dmin);
  out.number(4 * panelRows, minima);
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

} // namespace

void packUnit(const StorageFormat &format, const PanelBlocks &blocks, std::byte *unit) {
  BlockLayout layout = *BlockLayout::of(format);
  for (int64_t row = 0; row < panelRows; ++row) {
    RowOfUnit out(layout, unit, row);
    static constexpr uint8_t zeros[256] = {}; // its scale is 0 as well
    auto *block = blocks[row] ? reinterpret_cast<const uint8_t *>(blocks[row]) : zeros;
    if (format.dtype == fb::DType::q4_k)
      packQ4K(layout, block, out);
    else if (format.dtype == fb::DType::q6_k)
      packQ6K(layout, block, out);
    else
      packSimple(format, layout, block, out);
  }
}

} // namespace quipu::cpu
