#include "models/import/DType.h"

namespace quipu::models {

namespace {

struct DTypeRow {
  DType dtype;
  std::string_view name;
  size_t bytes;
};

// In the order of the enum.
constexpr DTypeRow dtypes[] = {
    {DType::BOOL, "BOOL", 1},       {DType::U8, "U8", 1},           {DType::I8, "I8", 1},
    {DType::F8_E4M3, "F8_E4M3", 1}, {DType::F8_E5M2, "F8_E5M2", 1}, {DType::F8_E8M0, "F8_E8M0", 1},
    {DType::U16, "U16", 2},         {DType::I16, "I16", 2},         {DType::F16, "F16", 2},
    {DType::BF16, "BF16", 2},       {DType::U32, "U32", 4},         {DType::I32, "I32", 4},
    {DType::F32, "F32", 4},         {DType::U64, "U64", 8},         {DType::I64, "I64", 8},
    {DType::F64, "F64", 8},         {DType::C64, "C64", 8},
};

} // namespace

size_t byteSize(DType dtype) { return dtypes[static_cast<size_t>(dtype)].bytes; }

std::string_view dtypeName(DType dtype) { return dtypes[static_cast<size_t>(dtype)].name; }

std::optional<DType> dtypeFromSafetensors(std::string_view name) {
  for (const DTypeRow &row : dtypes)
    if (row.name == name)
      return row.dtype;
  return std::nullopt;
}

std::optional<DType> dtypeFromTorch(std::string_view name) {
  constexpr std::string_view prefix = "torch.";
  if (name.substr(0, prefix.size()) == prefix)
    name.remove_prefix(prefix.size());
  if (name == "float32" || name == "float")
    return DType::F32;
  if (name == "float16" || name == "half")
    return DType::F16;
  if (name == "bfloat16")
    return DType::BF16;
  return std::nullopt;
}

} // namespace quipu::models
