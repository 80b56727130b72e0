// Element types a checkpoint may hold. Every one is read from a header; models take weights of those that are storage
// formats. Those from Q4_0 on are GGUF's: blocks of elements with scales of their own.
#pragma once

#include "runtime/Artifact/StorageFormat.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quipu::models {

// clang-format off
enum class DType {
  BOOL, U8, I8, F8_E4M3, F8_E5M2, F8_E8M0, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64, C64,
  Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K, IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS,
  IQ3_S, IQ4_NL, IQ4_XS, TQ1_0, TQ2_0, MXFP4, NVFP4, Q1_0, Q2_0,
};
// clang-format on

size_t byteSize(DType dtype);            // bytes of one element, or of one block
size_t blockElements(DType dtype);       // 1 but for GGUF's blocks
std::string_view dtypeName(DType dtype); // the name in safetensors or GGUF, for example "BF16"
// The format weights of this type are stored in, bit for bit; null where models do not take weights of it.
const StorageFormat *storageFormatOf(DType dtype);
// Those with one, for messages: "F32, F16, BF16, Q8_0, ...".
std::string weightTypeNames();

std::optional<DType> dtypeFromSafetensors(std::string_view name); // "BF16"
std::optional<DType> dtypeFromTorch(std::string_view name);       // "bfloat16" or "torch.bfloat16"; weight types only
std::optional<DType> dtypeFromGguf(uint32_t number);              // as ggml numbers its types

} // namespace quipu::models
