// Packed weights element by element, against the layouts as docs/architecture.md states them.
#include "compiler/Artifact/WeightRecipe.h"

#include "models/config/ModelConfig.h"
#include "runtime/Artifact/WeightLayout.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace quipu;
using models::DType;
using models::TensorInfo;

namespace {

float elementOf(uint16_t bf16) {
  uint32_t bits = uint32_t(bf16) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

// Tensors in memory; values are small integers and so exact in every type.
class Tensors {
public:
  void addF32(const std::string &name, std::vector<int64_t> shape, std::vector<float> values) {
    add(name, DType::F32, std::move(shape), values.data(), values.size() * 4);
  }
  void addBf16(const std::string &name, std::vector<int64_t> shape, const std::vector<float> &values) {
    std::vector<uint16_t> bits;
    for (float value : values) {
      uint32_t wide;
      std::memcpy(&wide, &value, 4);
      bits.push_back(uint16_t(wide >> 16));
    }
    add(name, DType::BF16, std::move(shape), bits.data(), bits.size() * 2);
  }
  void addRaw(const std::string &name, DType dtype, std::vector<int64_t> shape, const std::vector<uint16_t> &bits) {
    add(name, dtype, std::move(shape), bits.data(), bits.size() * 2);
  }

  models::Checkpoint checkpoint() const {
    models::Checkpoint::Parts parts;
    parts.path = "model";
    parts.tensors = tensors;
    return models::Checkpoint(std::move(parts));
  }

private:
  void add(const std::string &name, DType dtype, std::vector<int64_t> shape, const void *data, size_t bytes) {
    // One byte in, so that nothing is aligned, as in a safetensors file.
    auto &copy = storage.emplace_back(std::make_unique<std::byte[]>(bytes + 1));
    std::memcpy(copy.get() + 1, data, bytes);
    tensors.push_back({name, dtype, std::move(shape), copy.get() + 1, bytes, "model.safetensors"});
  }

  std::vector<std::unique_ptr<std::byte[]>> storage;
  std::vector<TensorInfo> tensors;
};

// Row r, column k holds 4 r + k: differs for each element of the narrow matrices here, exact in bf16 up to 256.
std::vector<float> countingMatrix(int64_t rows, int64_t columns, int64_t firstRow = 0) {
  std::vector<float> values;
  for (int64_t row = firstRow; row < firstRow + rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      values.push_back(float(4 * (row % 60) + column));
  return values;
}
float countingElement(int64_t row, int64_t column) { return float(4 * (row % 60) + column); }

template <typename Element> std::vector<Element> packWhole(const Tensors &tensors, const WeightRecipe &recipe) {
  models::Checkpoint checkpoint = tensors.checkpoint();
  auto packers = bindWeights(checkpoint, {recipe});
  EXPECT_TRUE(packers) << packers.error().message;
  auto extent = weightExtent(recipe.storage, recipe.shape, recipe.layout);
  EXPECT_TRUE(extent) << extent.error().message;
  std::vector<Element> out(extent->bytes / sizeof(Element));
  // Granule by granule, as different threads would.
  auto *bytes = reinterpret_cast<std::byte *>(out.data());
  for (uint64_t begin = 0; begin < extent->bytes; begin += extent->granule)
    (*packers)[0]->pack(begin, bytes + begin, extent->granule);
  return out;
}

TEST(WeightRecipeTest, panel64_of_f32_runs_k_slowest_and_pads_rows_with_zeros) {
  Tensors tensors;
  tensors.addF32("w", {70, 3}, countingMatrix(70, 3));
  auto out = packWhole<float>(tensors, {{"w"}, fb::DType::f32, {70, 3}, "panel64"});
  ASSERT_EQ(out.size(), size_t(2 * 3 * 64));
  for (int64_t row = 0; row < 128; ++row)
    for (int64_t k = 0; k < 3; ++k)
      EXPECT_EQ(out[(row / 64 * 3 + k) * 64 + row % 64], row < 70 ? countingElement(row, k) : 0) << row << ' ' << k;
}

TEST(WeightRecipeTest, panel64_of_bf16_keeps_pairs_of_k_together_and_pads_odd_k) {
  Tensors tensors;
  tensors.addBf16("w", {65, 3}, countingMatrix(65, 3));
  auto out = packWhole<uint16_t>(tensors, {{"w"}, fb::DType::bf16, {65, 3}, "panel64"});
  ASSERT_EQ(out.size(), size_t(2 * 2 * 64 * 2));
  for (int64_t row = 0; row < 128; ++row)
    for (int64_t k = 0; k < 4; ++k) {
      float expected = row < 65 && k < 3 ? countingElement(row, k) : 0;
      EXPECT_EQ(elementOf(out[((row / 64 * 2 + k / 2) * 64 + row % 64) * 2 + k % 2]), expected) << row << ' ' << k;
    }
}

TEST(WeightRecipeTest, gated_panels_hold_32_gate_rows_then_their_up_rows) {
  Tensors tensors;
  tensors.addF32("gate", {40, 2}, countingMatrix(40, 2));
  tensors.addF32("up", {40, 2}, countingMatrix(40, 2, /*firstRow=*/40));
  auto out = packWhole<float>(tensors, {{"gate", "up"}, fb::DType::f32, {80, 2}, "panel64_gated"});
  ASSERT_EQ(out.size(), size_t(2 * 2 * 64));
  for (int64_t output = 0; output < 64; ++output)
    for (int64_t k = 0; k < 2; ++k) {
      const float *lane = &out[(output / 32 * 2 + k) * 64 + output % 32];
      EXPECT_EQ(lane[0], output < 40 ? countingElement(output, k) : 0) << output << ' ' << k;
      EXPECT_EQ(lane[32], output < 40 ? countingElement(40 + output, k) : 0) << output << ' ' << k;
    }
}

// Element (row, k) of 16-bit weights in tile64: tiles of 64 rows and 64 k; the eight groups of 8 k in a row of a tile
// lie at group ^ (row % 8).
size_t placeInTiles(int64_t row, int64_t k, int64_t tiles) {
  int64_t group = k % 64 / 8 ^ row % 8;
  return size_t(((row / 64 * tiles + k / 64) * 64 + row % 64) * 64 + group * 8 + k % 8);
}

TEST(WeightRecipeTest, tile64_swizzles_rows_of_128_bytes_and_pads_with_zeros) {
  Tensors tensors;
  std::vector<float> values;
  for (int64_t i = 0; i < 70 * 65; ++i)
    values.push_back(float(i % 251));
  tensors.addF32("w", {70, 65}, values);
  for (auto storage : {fb::DType::bf16, fb::DType::f16}) {
    auto out = packWhole<uint16_t>(tensors, {{"w"}, storage, {70, 65}, "tile64"});
    ASSERT_EQ(out.size(), size_t(2 * 2 * 64 * 64));
    for (int64_t row = 0; row < 128; ++row)
      for (int64_t k = 0; k < 128; ++k) {
        float expected = row < 70 && k < 65 ? values[size_t(row * 65 + k)] : 0;
        uint16_t bits = out[placeInTiles(row, k, 2)];
        _Float16 half;
        std::memcpy(&half, &bits, 2);
        ASSERT_EQ(storage == fb::DType::f16 ? float(half) : elementOf(bits), expected) << row << ' ' << k;
      }
  }
}

TEST(WeightRecipeTest, tile64_of_f32_has_32_columns_in_a_tile) {
  Tensors tensors;
  tensors.addF32("w", {3, 40}, countingMatrix(3, 40));
  auto out = packWhole<float>(tensors, {{"w"}, fb::DType::f32, {3, 40}, "tile64"});
  ASSERT_EQ(out.size(), size_t(2 * 64 * 32));
  for (int64_t row = 0; row < 3; ++row)
    for (int64_t k = 0; k < 40; ++k)
      EXPECT_EQ(out[size_t(((k / 32) * 64 + row) * 32 + ((k % 32 / 4) ^ row) * 4 + k % 4)], countingElement(row, k));
}

TEST(WeightRecipeTest, gated_tiles_hold_32_gate_rows_then_their_up_rows) {
  Tensors tensors;
  tensors.addBf16("gate", {40, 2}, countingMatrix(40, 2));
  tensors.addBf16("up", {40, 2}, countingMatrix(40, 2, /*firstRow=*/40));
  auto out = packWhole<uint16_t>(tensors, {{"gate", "up"}, fb::DType::bf16, {80, 2}, "tile64_gated"});
  ASSERT_EQ(out.size(), size_t(2 * 64 * 64));
  for (int64_t output = 0; output < 64; ++output)
    for (int64_t k = 0; k < 2; ++k) {
      int64_t gate = output / 32 * 64 + output % 32;
      EXPECT_EQ(elementOf(out[placeInTiles(gate, k, 1)]), output < 40 ? countingElement(output, k) : 0);
      EXPECT_EQ(elementOf(out[placeInTiles(gate + 32, k, 1)]), output < 40 ? countingElement(40 + output, k) : 0);
    }
}

TEST(WeightRecipeTest, sources_are_joined_across_a_panel) {
  Tensors tensors;
  tensors.addF32("q", {50, 2}, countingMatrix(50, 2));
  tensors.addF32("k", {7, 2}, countingMatrix(7, 2, 50));
  tensors.addF32("v", {30, 2}, countingMatrix(30, 2, 57));
  auto out = packWhole<float>(tensors, {{"q", "k", "v"}, fb::DType::f32, {87, 2}, "panel64"});
  for (int64_t row = 0; row < 87; ++row)
    EXPECT_EQ(out[(row / 64 * 2 + 1) * 64 + row % 64], countingElement(row, 1)) << row;
}

TEST(WeightRecipeTest, matrices_of_experts_lie_one_after_the_other) {
  Tensors apart, together;
  apart.addF32("experts.0.w", {20, 2}, countingMatrix(20, 2));
  apart.addF32("experts.1.w", {20, 2}, countingMatrix(20, 2, /*firstRow=*/20));
  together.addF32("experts.w", {2, 20, 2}, countingMatrix(40, 2));
  auto out = packWhole<float>(apart, {{"experts.*.w"}, fb::DType::f32, {2, 20, 2}, "panel64"});
  EXPECT_EQ(out, packWhole<float>(together, {{"experts.w"}, fb::DType::f32, {2, 20, 2}, "panel64"}));
  ASSERT_EQ(out.size(), size_t(2 * 2 * 64));
  for (int64_t expert = 0; expert < 2; ++expert)
    for (int64_t row = 0; row < 64; ++row)
      EXPECT_EQ(out[(expert * 2 + 1) * 64 + row], row < 20 ? countingElement(20 * expert + row, 1) : 0) << row;
}

TEST(WeightRecipeTest, gate_and_up_of_each_expert_are_joined) {
  Tensors tensors;
  tensors.addF32("gate", {2, 8, 1}, countingMatrix(16, 1));
  tensors.addF32("up", {2, 8, 1}, countingMatrix(16, 1, /*firstRow=*/16));
  auto out = packWhole<float>(tensors, {{"gate", "up"}, fb::DType::f32, {2, 16, 1}, "panel64_gated"});
  ASSERT_EQ(out.size(), size_t(2 * 64));
  for (int64_t expert = 0; expert < 2; ++expert)
    for (int64_t row = 0; row < 8; ++row) {
      EXPECT_EQ(out[expert * 64 + row], countingElement(8 * expert + row, 0));
      EXPECT_EQ(out[expert * 64 + 32 + row], countingElement(16 + 8 * expert + row, 0));
    }
}

TEST(WeightRecipeTest, a_stack_names_the_expert_that_lacks_its_tensor) {
  Tensors tensors;
  tensors.addF32("experts.0.w", {20, 2}, countingMatrix(20, 2));
  models::Checkpoint checkpoint = tensors.checkpoint();
  auto packers = bindWeights(checkpoint, {{{"experts.*.w"}, fb::DType::f32, {2, 20, 2}, "panel64"}});
  ASSERT_FALSE(packers);
  EXPECT_EQ(packers.error().message, "model: there is no tensor 'experts.1.w', which the model needs");
}

TEST(WeightRecipeTest, values_are_rounded_to_the_storage_type) {
  Tensors tensors;
  // 1 + 2^-8 lies between two bf16 values and goes to the even one; 1 + 3 * 2^-8 likewise, upwards.
  tensors.addF32("w", {1, 3}, {1.00390625F, 1.01171875F, -2.0F});
  auto out = packWhole<uint16_t>(tensors, {{"w"}, fb::DType::bf16, {1, 3}, "row_major"});
  EXPECT_EQ(elementOf(out[0]), 1.0F);
  EXPECT_EQ(elementOf(out[1]), 1.015625F);
  EXPECT_EQ(elementOf(out[2]), -2.0F);
}

TEST(WeightRecipeTest, f16_widens_to_f32_exactly) {
  Tensors tensors;
  tensors.addRaw("w", DType::F16, {2, 2}, {0x3c00, 0xc000, 0x3555, 0x0001}); // 1, -2, 0.333..., 2^-24
  auto out = packWhole<float>(tensors, {{"w"}, fb::DType::f32, {2, 2}, "row_major"});
  EXPECT_EQ(out, (std::vector<float>{1.0F, -2.0F, 0.333251953125F, 5.9604644775390625e-8F}));
}

TEST(WeightRecipeTest, vectors_are_joined_end_to_end) {
  Tensors tensors;
  tensors.addBf16("q.bias", {3}, {1, 2, 3});
  tensors.addF32("k.bias", {2}, {4, 5});
  auto out = packWhole<float>(tensors, {{"q.bias", "k.bias"}, fb::DType::f32, {5}, "row_major"});
  EXPECT_EQ(out, (std::vector<float>{1, 2, 3, 4, 5}));
}

std::string errorOf(const Tensors &tensors, const WeightRecipe &recipe) {
  models::Checkpoint checkpoint = tensors.checkpoint();
  auto packers = bindWeights(checkpoint, {recipe});
  return packers ? "none" : packers.error().message;
}

TEST(WeightRecipeTest, errors_name_the_tensor) {
  Tensors tensors;
  tensors.addF32("w", {4, 2}, countingMatrix(4, 2));
  tensors.addRaw("ids", DType::I16, {4, 2}, std::vector<uint16_t>(8));
  EXPECT_EQ(errorOf(tensors, {{"u"}, fb::DType::f32, {4, 2}, "panel64"}),
            "model: there is no tensor 'u', which the model needs");
  EXPECT_EQ(errorOf(tensors, {{"w"}, fb::DType::f32, {4, 3}, "panel64"}),
            "model.safetensors: tensor 'w' has shape [4,2]; the model reads rows of 3");
  EXPECT_EQ(errorOf(tensors, {{"w"}, fb::DType::f32, {5, 2}, "panel64"}),
            "model: tensor 'w' and those joined with it have 4 rows, expected 5");
  EXPECT_EQ(errorOf(tensors, {{"ids"}, fb::DType::f32, {4, 2}, "panel64"}),
            "model.safetensors: tensor 'ids' is I16; weights are F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, "
            "Q5_1, IQ4_NL, MXFP4, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS");
  tensors.addF32("wide", {4, 32}, std::vector<float>(128));
  EXPECT_EQ(errorOf(tensors, {{"wide"}, fb::DType::q8_0, {4, 32}, "tile64"}),
            "model.safetensors: tensor wide: weights of GPU targets are f32, f16 or bf16, not q8_0");
}

} // namespace
