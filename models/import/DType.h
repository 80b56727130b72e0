// Element types a checkpoint may hold. Every one is read from a header; models take weights of F32, F16 and BF16.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace quipu::models {

enum class DType { BOOL, U8, I8, F8_E4M3, F8_E5M2, F8_E8M0, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64, C64 };

size_t byteSize(DType dtype);            // bytes of one element
std::string_view dtypeName(DType dtype); // the safetensors name, for example "BF16"
inline bool isWeightType(DType dtype) { return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16; }

std::optional<DType> dtypeFromSafetensors(std::string_view name); // "BF16"
std::optional<DType> dtypeFromTorch(std::string_view name);       // "bfloat16" or "torch.bfloat16"; weight types only

} // namespace quipu::models
