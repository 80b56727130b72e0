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

uint32_t bitsOf(const uint8_t (&bytes)[4]) {
  uint32_t bits;
  std::memcpy(&bits, bytes, 4);
  return bits;
}

// Level of element j of a run of 32 whose nibbles and high bits are these.
int fiveBits(const uint8_t *nibbles, uint32_t high, int j) {
  return (nibbles[j % 16] >> j / 16 * 4 & 15) | int(high >> j & 1) << 4;
}

void decodeQ4_1(const BlockQ4_1 &block, float *out) {
  float d = halfToFloat(block.d), m = halfToFloat(block.m);
  for (int j = 0; j < 32; ++j)
    out[j] = d * float(block.nibbles[j % 16] >> j / 16 * 4 & 15) + m;
}

void decodeQ5_0(const BlockQ5_0 &block, float *out) {
  float d = halfToFloat(block.d);
  for (int j = 0; j < 32; ++j)
    out[j] = d * float(fiveBits(block.nibbles, bitsOf(block.high), j) - 16);
}

void decodeQ5_1(const BlockQ5_1 &block, float *out) {
  float d = halfToFloat(block.d), m = halfToFloat(block.m);
  for (int j = 0; j < 32; ++j)
    out[j] = d * float(fiveBits(block.nibbles, bitsOf(block.high), j)) + m;
}

void decodeMxfp4(const BlockMxfp4 &block, float *out) {
  float d = scaleOfExponent(block.exponent);
  for (int j = 0; j < 32; ++j)
    out[j] = d * float(fp4Levels[block.nibbles[j % 16] >> j / 16 * 4 & 15]);
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
    ScaleAndMin own = scaleAndMin(block.scales, run);
    float scale = d * float(own.scale), min = dmin * float(own.min);
    for (int j = 0; j < 32; ++j) {
      int q = block.nibbles[run / 2 * 32 + j] >> (run % 2 * 4) & 15;
      out[run * 32 + j] = scale * float(q) - min;
    }
  }
}

void decodeQ5K(const BlockQ5K &block, float *out) {
  float d = halfToFloat(block.d), dmin = halfToFloat(block.dmin);
  for (int run = 0; run < 8; ++run) {
    ScaleAndMin own = scaleAndMin(block.scales, run);
    float scale = d * float(own.scale), min = dmin * float(own.min);
    for (int j = 0; j < 32; ++j) {
      int low = block.nibbles[run / 2 * 32 + j] >> (run % 2 * 4) & 15, high = block.high[j] >> run & 1;
      out[run * 32 + j] = scale * float(low | high << 4) - min;
    }
  }
}

void decodeQ2K(const BlockQ2K &block, float *out) {
  float d = halfToFloat(block.d), dmin = halfToFloat(block.dmin);
  for (int i = 0; i < 256; ++i) {
    uint8_t own = block.scales[i / 16];
    int q = block.pairs[i / 128][i % 32] >> i / 32 % 4 * 2 & 3;
    out[i] = d * float(own & 15) * float(q) - dmin * float(own >> 4);
  }
}

void decodeQ3K(const BlockQ3K &block, float *out) {
  float d = halfToFloat(block.d);
  for (int i = 0; i < 256; ++i) {
    int low = block.pairs[i / 128][i % 32] >> i / 32 % 4 * 2 & 3, high = block.high[i % 32] >> i / 32 & 1;
    out[i] = d * float(scaleOfQ3K(block.scales, i / 16)) * float((low | high << 2) - 4);
  }
}

void decodeIq4Xs(const BlockIq4Xs &block, float *out) {
  float d = halfToFloat(block.d);
  for (int i = 0; i < 256; ++i) {
    int q = block.nibbles[i / 32 * 16 + i % 16] >> i / 16 % 2 * 4 & 15;
    out[i] = d * float(scaleOfIq4Xs(block, i / 32)) * float(iq4Levels[size_t(q)]);
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
  case fb::DType::q4_1:
    return eachBlock<BlockQ4_1>(source, blocks, 32, out, decodeQ4_1);
  case fb::DType::q5_0:
    return eachBlock<BlockQ5_0>(source, blocks, 32, out, decodeQ5_0);
  case fb::DType::q5_1:
    return eachBlock<BlockQ5_1>(source, blocks, 32, out, decodeQ5_1);
  case fb::DType::mxfp4:
    return eachBlock<BlockMxfp4>(source, blocks, 32, out, decodeMxfp4);
  case fb::DType::q2_k:
    return eachBlock<BlockQ2K>(source, blocks, 256, out, decodeQ2K);
  case fb::DType::q3_k:
    return eachBlock<BlockQ3K>(source, blocks, 256, out, decodeQ3K);
  case fb::DType::q5_k:
    return eachBlock<BlockQ5K>(source, blocks, 256, out, decodeQ5K);
  case fb::DType::iq4_xs:
    return eachBlock<BlockIq4Xs>(source, blocks, 256, out, decodeIq4Xs);
  case fb::DType::q4_k:
    return eachBlock<BlockQ4K>(source, blocks, 256, out, decodeQ4K);
  case fb::DType::q6_k:
    return eachBlock<BlockQ6K>(source, blocks, 256, out, decodeQ6K);
  default:
    return decodeGroups(groupFormat(format), source, blocks, out);
  }
}

} // namespace quipu::quantization
