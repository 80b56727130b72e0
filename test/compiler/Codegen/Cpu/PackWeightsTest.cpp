#include "compiler/Codegen/Cpu/PackWeights.h"

#include "models/import/FloatConversion.h"
#include "test/Conformance/Cpu/KernelTable.h"

#include <gtest/gtest.h>

namespace quipu::cpu {
namespace {

using conformance::asPanels;
using conformance::randomValues;
using models::DType;
using models::TensorInfo;

// A tensor of the checkpoint and what its elements are worth.
struct Tensor {
  std::vector<std::byte> bytes;
  std::vector<float> values;
  TensorInfo info;
};

Tensor makeTensor(std::vector<int64_t> shape, DType dtype, uint32_t seed) {
  Tensor tensor;
  tensor.info.name = fmt::format("t{}", seed);
  tensor.info.file = "model.safetensors";
  tensor.info.dtype = dtype;
  tensor.info.shape = shape;
  tensor.values = randomValues(size_t(tensor.info.elements()), seed);
  auto count = tensor.info.elements();
  tensor.bytes.resize(size_t(count) * models::byteSize(dtype) + 1);
  // One byte in: tensors of a file are in no way aligned.
  std::byte *data = tensor.bytes.data() + 1;
  std::vector<uint16_t> narrow(static_cast<size_t>(count));
  if (dtype == DType::F32) {
    std::memcpy(data, tensor.values.data(), size_t(count) * 4);
  } else if (dtype == DType::BF16) {
    models::floatToBf16(tensor.values.data(), count, narrow.data());
    std::memcpy(data, narrow.data(), size_t(count) * 2);
    models::bf16ToFloat(data, count, tensor.values.data());
  } else {
    models::floatToF16(tensor.values.data(), count, narrow.data());
    std::memcpy(data, narrow.data(), size_t(count) * 2);
    models::f16ToFloat(data, count, tensor.values.data());
  }
  tensor.info.data = data;
  return tensor;
}

std::vector<uint8_t> packAll(const WeightPacker &packer) {
  std::vector<uint8_t> out(packer.bytes(), 0xcc);
  packer.pack(0, reinterpret_cast<std::byte *>(out.data()), packer.bytes());
  return out;
}

Expected<std::unique_ptr<WeightPacker>> tryPacker(const std::vector<Tensor> &tensors, fb::DType dtype,
                                                  WeightForm form) {
  std::vector<WeightTensor> sources;
  for (const Tensor &tensor : tensors)
    sources.push_back({&tensor.info});
  Expected<WeightRows> rows = WeightRows::create(sources, *findStorageFormat(dtype));
  if (!rows)
    return passError(std::move(rows));
  return PanelPacker::create(std::move(*rows), form);
}

std::unique_ptr<WeightPacker> packer(const std::vector<Tensor> &tensors, fb::DType dtype, WeightForm form) {
  auto result = tryPacker(tensors, dtype, form);
  EXPECT_TRUE(result) << result.error().message;
  return std::move(*result);
}

// Joined tensors of each element type, ragged in rows and odd in columns.
std::vector<Tensor> mixedTensors(int64_t columns) {
  std::vector<Tensor> tensors;
  tensors.push_back(makeTensor({50, columns}, DType::F32, 1));
  tensors.push_back(makeTensor({3, columns}, DType::F16, 2));
  tensors.push_back(makeTensor({47, columns}, DType::BF16, 3));
  return tensors;
}

std::vector<float> joined(const std::vector<Tensor> &tensors) {
  std::vector<float> values;
  for (const Tensor &tensor : tensors)
    values.insert(values.end(), tensor.values.begin(), tensor.values.end());
  return values;
}

TEST(PackWeights, PanelsHoldEveryElementWhereTheLayoutSays) {
  for (int64_t columns : {1, 2, 63, 64, 65, 200})
    for (fb::DType dtype : {fb::DType::f32, fb::DType::f16, fb::DType::bf16})
      for (bool gated : {false, true}) {
        const StorageFormat &format = *findStorageFormat(dtype);
        SCOPED_TRACE(fmt::format("{} columns, {}, gated {}", columns, format.name, gated));
        std::vector<Tensor> tensors = mixedTensors(columns);
        PanelLayout layout(gated ? 50 : 100, columns, format, gated);
        auto weight = packer(tensors, dtype, gated ? WeightForm::Panel64Gated : WeightForm::Panel64);
        EXPECT_EQ(weight->bytes(), uint64_t(layout.bytes()));
        EXPECT_EQ(packAll(*weight), asPanels(joined(tensors), layout).bytes);
      }
}

TEST(PackWeights, PartsGiveTheSameBytesAsTheWhole) {
  std::vector<Tensor> tensors = mixedTensors(37);
  for (WeightForm form : {WeightForm::RowMajor, WeightForm::Panel64, WeightForm::Panel64Gated}) {
    auto weight = packer(tensors, fb::DType::bf16, form);
    uint64_t granule = form == WeightForm::RowMajor
                           ? 37 * 2
                           : uint64_t(PanelLayout(100, 37, *findStorageFormat(fb::DType::bf16)).panelBytes());
    std::vector<uint8_t> parts(weight->bytes(), 0xcc);
    for (uint64_t at = 0; at < weight->bytes(); at += granule)
      weight->pack(at, reinterpret_cast<std::byte *>(parts.data()) + at, granule);
    EXPECT_EQ(parts, packAll(*weight));
  }
}

TEST(PackWeights, RowMajorJoinsRowsInOrder) {
  std::vector<Tensor> tensors = mixedTensors(37);
  std::vector<uint8_t> got = packAll(*packer(tensors, fb::DType::f32, WeightForm::RowMajor));
  EXPECT_EQ(got, conformance::Operand::of(joined(tensors)).bytes);
}

TEST(PackWeights, VectorsJoinEndToEnd) {
  std::vector<Tensor> biases;
  biases.push_back(makeTensor({5}, DType::BF16, 1));
  biases.push_back(makeTensor({7}, DType::F32, 2));
  std::vector<uint8_t> got = packAll(*packer(biases, fb::DType::f32, WeightForm::RowMajor));
  EXPECT_EQ(got, conformance::Operand::of(joined(biases)).bytes);
}

TEST(PackWeights, WhatCannotBeJoinedIsAnErrorThatNamesTheTensor) {
  auto message = [](std::vector<Tensor> tensors, WeightForm form) {
    auto result = tryPacker(tensors, fb::DType::f32, form);
    return result ? "no error" : result.error().message;
  };
  EXPECT_EQ(message({makeTensor({4, 8}, DType::F32, 1), makeTensor({4, 9}, DType::F32, 2)}, WeightForm::Panel64),
            "model.safetensors: tensor t2 has rows of 9 elements, those of t1 have 8; they cannot be joined");
  EXPECT_EQ(message({makeTensor({5, 8}, DType::F32, 1)}, WeightForm::Panel64Gated),
            "model.safetensors: tensor t1 and those joined to it have 5 rows; gate and up rows must be as many");
  Tensor integers = makeTensor({4, 8}, DType::F32, 1);
  integers.info.dtype = DType::I32;
  EXPECT_EQ(message({integers}, WeightForm::Panel64),
            "model.safetensors: tensor 't1' is I32; weights are F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, "
            "IQ4_NL, MXFP4, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS");
  EXPECT_EQ(message({}, WeightForm::Panel64), "a weight without elements cannot be packed");
}

} // namespace
} // namespace quipu::cpu
