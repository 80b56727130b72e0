#include "compiler/Quantization/Decode.h"

#include "models/import/FloatConversion.h"
#include "runtime/Support/HalfFloat.h"

#include <cstring>

// A product must be rounded before it is added to, on machines with fused multiply-add as well.
#pragma STDC FP_CONTRACT OFF

namespace quipu::quantization {
namespace {

// Calls decodeBlock(block, out) for each block, copied to where it is aligned.
template <typename Block, typename DecodeBlock>
void eachBlock(const std::byte *source, int64_t blocks, int64_t blockElements, float *out, DecodeBlock decodeBlock) {
  for (int64_t i = 0; i < blocks; ++i) {
    Block block;
    std::memcpy(&block, source + i * int64_t(sizeof(Block)), sizeof(Block));
    decodeBlock(block, out + i * blockElements);
  }
}

void decodeQ8_0(const BlockQ8_0 &block, float *out) {
  float d = halfToFloat(block.d);
  for (int j = 0; j < 32; ++j)
    out[j] = float(block.q[j]) * d;
}

void decodeQ4_0(const BlockQ4_0 &block, float *out) {
  float d = halfToFloat(block.d);
  for (int j = 0; j < 16; ++j) {
    out[j] = float((block.nibbles[j] & 15) - 8) * d;
    out[j + 16] = float((block.nibbles[j] >> 4) - 8) * d;
  }
}

void decodeIq4Nl(const BlockQ4_0 &block, float *out) {
  float d = halfToFloat(block.d);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * float(iq4Levels[block.nibbles[j] & 15]);
    out[j + 16] = d * float(iq4Levels[block.nibbles[j] >> 4]);
  }
}

void decodeQ4K(const BlockQ4K &block, float *out) {
  float d = halfToFloat(block.d), dmin = halfToFloat(block.dmin);
  for (int run = 0; run < 8; ++run) {
    ScaleAndMin own = scaleAndMin(block, run);
    float scale = d * float(own.scale), min = dmin * float(own.min);
    for (int j = 0; j < 32; ++j) {
      int q = block.nibbles[run / 2 * 32 + j] >> (run % 2 * 4) & 15;
      out[run * 32 + j] = scale * float(q) - min;
    }
  }
}

void decodeQ6K(const BlockQ6K &block, float *out) {
  float d = halfToFloat(block.d);
  for (int i = 0; i < 256; ++i) {
    int half = i / 128, part = i / 32 % 4, j = i % 32;
    int low = block.low[half][part % 2 * 32 + j] >> (part / 2 * 4) & 15;
    int high = block.high[half][j] >> (part * 2) & 3;
    int8_t scale = block.scales[i / 16];
    out[i] = d * float(scale) * float((low | high << 4) - 32);
  }
}

void decodeGroups(GroupFormat format, const std::byte *source, int64_t blocks, float *out) {
  int64_t blockBytes = format.headBytes() + format.elements * format.bits / 8;
  for (int64_t i = 0; i < blocks; ++i, source += blockBytes, out += format.elements) {
    uint16_t scale;
    std::memcpy(&scale, source, 2);
    float d = halfToFloat(scale);
    int zero = format.hasZero ? int(source[2]) : format.bits == 8 ? 0 : 8;
    const std::byte *q = source + format.headBytes();
    for (int64_t j = 0; j < format.elements; ++j) {
      int level = format.bits == 4 ? int(q[j / 32 * 16 + j % 16]) >> (j % 32 / 16 * 4) & 15
                  : format.hasZero ? int(q[j])
                                   : int(int8_t(q[j]));
      out[j] = float(level - zero) * d;
    }
  }
}

} // namespace

GroupFormat groupFormat(const StorageFormat &format) {
  bool eight = format.blockBytes >= format.blockElements;
  int64_t integers = eight ? format.blockElements : format.blockElements / 2;
  return {format.blockElements, eight ? 8 : 4, format.blockBytes - integers == 3};
}

void decode(const StorageFormat &format, const std::byte *source, int64_t elements, float *out) {
  int64_t blocks = elements / format.blockElements;
  switch (format.dtype) {
  case fb::DType::f32:
    if (elements) // also keeps null pointers from memcpy
      std::memcpy(out, source, size_t(elements) * 4);
    return;
  case fb::DType::f16:
    return models::f16ToFloat(source, elements, out);
  case fb::DType::bf16:
    return models::bf16ToFloat(source, elements, out);
  case fb::DType::q8_0:
    return eachBlock<BlockQ8_0>(source, blocks, 32, out, decodeQ8_0);
  case fb::DType::q4_0:
    return eachBlock<BlockQ4_0>(source, blocks, 32, out, decodeQ4_0);
  case fb::DType::iq4_nl:
    return eachBlock<BlockQ4_0>(source, blocks, 32, out, decodeIq4Nl);
  case fb::DType::q4_k:
    return eachBlock<BlockQ4K>(source, blocks, 256, out, decodeQ4K);
  case fb::DType::q6_k:
    return eachBlock<BlockQ6K>(source, blocks, 256, out, decodeQ6K);
  default:
    return decodeGroups(groupFormat(format), source, blocks, out);
  }
}

} // namespace quipu::quantization
