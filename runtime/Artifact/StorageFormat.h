// The formats weights are stored in: one element by itself (f32, f16, bf16), or blocks of elements along a row that
// share a scale. compiler/Quantization decodes and encodes the blocks; what its decoder says is the definition.
//
// A block, byte by byte (f16 scales are little-endian; a nibble byte holds element j low and element j + 16 high of its
// run of 32):
//
//   q8_0    32   f16 d, i8 q[32]                                     d q
//   q4_0    32   f16 d, nibbles[16]                                  d (q - 8)
//   q4_1    32   f16 d, f16 m, nibbles[16]                           d q + m
//   q5_0    32   f16 d, fifth bits[4], nibbles[16]                   d (q - 16)
//   q5_1    32   f16 d, f16 m, fifth bits[4], nibbles[16]            d q + m
//   iq4_nl  32   f16 d, nibbles[16]                                  d table[q], ggml's table of 16 levels
//   mxfp4   32   e8m0 d, nibbles[16]                                 d table[q], twice the 16 numbers of e2m1
//   q2_k    256  4-bit scales and mins of sixteen runs of 16 [16], bit pairs[64], f16 d, f16 dmin    d s q - dmin m
//   q3_k    256  third bits[32], bit pairs[64], 6-bit scales of sixteen runs of 16 [12], f16 d       d s (q - 4)
//   q4_k    256  f16 d, f16 dmin, 6-bit scales and mins of eight runs of 32 [12], nibbles[128]       d s q - dmin m
//   q5_k    256  f16 d, f16 dmin, 6-bit scales and mins of eight runs of 32 [12], fifth bits[32], nibbles[128]
//                                                                                                    d s q - dmin m
//   q6_k    256  low nibbles[128], high bit pairs[64], i8 scales of sixteen runs of 16 [16], f16 d   d s (q - 32)
//   iq4_xs  256  f16 d, 6-bit scales of eight runs of 32 [2 + 4], nibbles[128]                       d s table[q]
//   i8_gN   N    f16 d, i8 q[N]                                      d q
//   i4_gN   N    f16 d, nibbles[N/2], run by run of 32               d (q - 8)
//   i8_gNz  N    f16 d, u8 zero, u8 q[N]                             d (q - zero)
//   i4_gNz  N    f16 d, u8 zero, nibbles[N/2], run by run of 32      d (q - zero)
//
// All but the integers per group are GGUF's types, bit for bit. compiler/Quantization/Blocks.h says which bits of the
// larger blocks are whose. An e8m0 d is 2^(byte - 128), half of what the byte stands for, since the levels are doubled.
#pragma once

#include "runtime/Artifact/Program_generated.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace quipu {

struct StorageFormat {
  fb::DType dtype;
  std::string_view name;
  uint32_t blockElements; // 1: every element stands by itself
  uint32_t blockBytes;

  bool isBlocked() const { return blockElements > 1; }
  double bitsPerElement() const { return 8.0 * blockBytes / blockElements; }
  // A row of blocked elements is whole blocks.
  bool takesRow(uint64_t elements) const { return elements % blockElements == 0; }
  uint64_t rowBytes(uint64_t elements) const { return elements / blockElements * blockBytes; }
};

inline constexpr std::array<StorageFormat, 26> storageFormats = {{
    {fb::DType::f32, "f32", 1, 4},
    {fb::DType::f16, "f16", 1, 2},
    {fb::DType::bf16, "bf16", 1, 2},
    {fb::DType::q8_0, "q8_0", 32, 34},
    {fb::DType::q4_0, "q4_0", 32, 18},
    {fb::DType::q4_1, "q4_1", 32, 20},
    {fb::DType::q5_0, "q5_0", 32, 22},
    {fb::DType::q5_1, "q5_1", 32, 24},
    {fb::DType::iq4_nl, "iq4_nl", 32, 18},
    {fb::DType::mxfp4, "mxfp4", 32, 17},
    {fb::DType::q2_k, "q2_k", 256, 84},
    {fb::DType::q3_k, "q3_k", 256, 110},
    {fb::DType::q4_k, "q4_k", 256, 144},
    {fb::DType::q5_k, "q5_k", 256, 176},
    {fb::DType::q6_k, "q6_k", 256, 210},
    {fb::DType::iq4_xs, "iq4_xs", 256, 136},
    {fb::DType::i8_g64, "i8_g64", 64, 66},
    {fb::DType::i8_g128, "i8_g128", 128, 130},
    {fb::DType::i8_g32z, "i8_g32z", 32, 35},
    {fb::DType::i8_g64z, "i8_g64z", 64, 67},
    {fb::DType::i8_g128z, "i8_g128z", 128, 131},
    {fb::DType::i4_g64, "i4_g64", 64, 34},
    {fb::DType::i4_g128, "i4_g128", 128, 66},
    {fb::DType::i4_g32z, "i4_g32z", 32, 19},
    {fb::DType::i4_g64z, "i4_g64z", 64, 35},
    {fb::DType::i4_g128z, "i4_g128z", 128, 67},
}};

// Null where there is no format of that name. "i8_g32" and "i4_g32" are q8_0 and q4_0: the same blocks.
const StorageFormat *findStorageFormat(std::string_view name);

// Null for a dtype weights are not stored in (i32, i8, a number that is no dtype).
const StorageFormat *findStorageFormat(fb::DType dtype);

} // namespace quipu
