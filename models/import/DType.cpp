#include "models/import/DType.h"

namespace quipu::models {

namespace {

struct DTypeRow {
  DType dtype;
  std::string_view name;
  size_t bytes;        // of a block
  size_t elements = 1; // of a block
  const StorageFormat *format = nullptr;

  constexpr DTypeRow(DType dtype, std::string_view name, size_t bytes, size_t elements = 1)
      : dtype(dtype), name(name), bytes(bytes), elements(elements) {}
  // A storage format.
  constexpr DTypeRow(DType dtype, std::string_view name, fb::DType stored) : dtype(dtype), name(name), bytes(0) {
    for (const StorageFormat &row : storageFormats)
      if (row.dtype == stored) {
        bytes = row.blockBytes;
        elements = row.blockElements;
        format = &row;
      }
  }
};

// In the order of the enum.
constexpr DTypeRow dtypes[] = {
    {DType::BOOL, "BOOL", 1},
    {DType::U8, "U8", 1},
    {DType::I8, "I8", 1},
    {DType::F8_E4M3, "F8_E4M3", 1},
    {DType::F8_E5M2, "F8_E5M2", 1},
    {DType::F8_E8M0, "F8_E8M0", 1},
    {DType::U16, "U16", 2},
    {DType::I16, "I16", 2},
    {DType::F16, "F16", fb::DType::f16},
    {DType::BF16, "BF16", fb::DType::bf16},
    {DType::U32, "U32", 4},
    {DType::I32, "I32", 4},
    {DType::F32, "F32", fb::DType::f32},
    {DType::U64, "U64", 8},
    {DType::I64, "I64", 8},
    {DType::F64, "F64", 8},
    {DType::C64, "C64", 8},
    {DType::Q4_0, "Q4_0", fb::DType::q4_0},
    {DType::Q4_1, "Q4_1", fb::DType::q4_1},
    {DType::Q5_0, "Q5_0", fb::DType::q5_0},
    {DType::Q5_1, "Q5_1", fb::DType::q5_1},
    {DType::Q8_0, "Q8_0", fb::DType::q8_0},
    {DType::Q8_1, "Q8_1", 36, 32},
    {DType::Q2_K, "Q2_K", fb::DType::q2_k},
    {DType::Q3_K, "Q3_K", fb::DType::q3_k},
    {DType::Q4_K, "Q4_K", fb::DType::q4_k},
    {DType::Q5_K, "Q5_K", fb::DType::q5_k},
    {DType::Q6_K, "Q6_K", fb::DType::q6_k},
    {DType::Q8_K, "Q8_K", 292, 256},
    {DType::IQ1_S, "IQ1_S", 50, 256},
    {DType::IQ1_M, "IQ1_M", 56, 256},
    {DType::IQ2_XXS, "IQ2_XXS", 66, 256},
    {DType::IQ2_XS, "IQ2_XS", 74, 256},
    {DType::IQ2_S, "IQ2_S", 82, 256},
    {DType::IQ3_XXS, "IQ3_XXS", 98, 256},
    {DType::IQ3_S, "IQ3_S", 110, 256},
    {DType::IQ4_NL, "IQ4_NL", fb::DType::iq4_nl},
    {DType::IQ4_XS, "IQ4_XS", fb::DType::iq4_xs},
    {DType::TQ1_0, "TQ1_0", 54, 256},
    {DType::TQ2_0, "TQ2_0", 66, 256},
    {DType::MXFP4, "MXFP4", fb::DType::mxfp4},
    {DType::NVFP4, "NVFP4", 36, 64},
    {DType::Q1_0, "Q1_0", 18, 128},
    {DType::Q2_0, "Q2_0", 18, 64},
};

struct GgufRow {
  uint32_t number;
  DType dtype;
};

// enum ggml_type; the numbers between are of types that were removed.
constexpr GgufRow ggufTypes[] = {
    {0, DType::F32},     {1, DType::F16},      {2, DType::Q4_0},   {3, DType::Q4_1},    {6, DType::Q5_0},
    {7, DType::Q5_1},    {8, DType::Q8_0},     {9, DType::Q8_1},   {10, DType::Q2_K},   {11, DType::Q3_K},
    {12, DType::Q4_K},   {13, DType::Q5_K},    {14, DType::Q6_K},  {15, DType::Q8_K},   {16, DType::IQ2_XXS},
    {17, DType::IQ2_XS}, {18, DType::IQ3_XXS}, {19, DType::IQ1_S}, {20, DType::IQ4_NL}, {21, DType::IQ3_S},
    {22, DType::IQ2_S},  {23, DType::IQ4_XS},  {24, DType::I8},    {25, DType::I16},    {26, DType::I32},
    {27, DType::I64},    {28, DType::F64},     {29, DType::IQ1_M}, {30, DType::BF16},   {34, DType::TQ1_0},
    {35, DType::TQ2_0},  {39, DType::MXFP4},   {40, DType::NVFP4}, {41, DType::Q1_0},   {42, DType::Q2_0},
};

} // namespace

size_t byteSize(DType dtype) { return dtypes[static_cast<size_t>(dtype)].bytes; }

size_t blockElements(DType dtype) { return dtypes[static_cast<size_t>(dtype)].elements; }

std::string_view dtypeName(DType dtype) { return dtypes[static_cast<size_t>(dtype)].name; }

const StorageFormat *storageFormatOf(DType dtype) { return dtypes[static_cast<size_t>(dtype)].format; }

std::string weightTypeNames() {
  std::string names;
  for (const StorageFormat &format : storageFormats) // in the order of the formats: plain ones first
    for (const DTypeRow &row : dtypes)
      if (row.format == &format)
        names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

std::optional<DType> dtypeFromSafetensors(std::string_view name) {
  for (const DTypeRow &row : dtypes)
    if (row.name == name && row.elements == 1)
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

std::optional<DType> dtypeFromGguf(uint32_t number) {
  for (const GgufRow &row : ggufTypes)
    if (row.number == number)
      return row.dtype;
  return std::nullopt;
}

} // namespace quipu::models
