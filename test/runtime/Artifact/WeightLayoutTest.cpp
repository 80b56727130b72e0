#include "runtime/Artifact/WeightLayout.h"

#include <gtest/gtest.h>

using namespace quipu;

namespace {

TEST(WeightLayoutTest, extents_of_each_layout) {
  struct Row {
    fb::DType dtype;
    std::vector<uint64_t> shape;
    const char *layout;
    uint64_t bytes, granule;
  };
  const Row rows[] = {
      {fb::DType::f32, {48}, "row_major", 192, 192},
      {fb::DType::bf16, {5, 3}, "row_major", 30, 6},
      {fb::DType::f32, {64, 10}, "panel64", 64 * 10 * 4, 64 * 10 * 4},
      {fb::DType::f32, {65, 10}, "panel64", 2 * 64 * 10 * 4, 64 * 10 * 4},
      {fb::DType::bf16, {1, 11}, "panel64", 6 * 64 * 2 * 2, 6 * 64 * 2 * 2}, // an odd K has a zero column
      {fb::DType::f16, {65, 11}, "panel64", 2 * 11 * 64 * 2, 11 * 64 * 2},
      {fb::DType::bf16, {96, 10}, "panel64_gated", 2 * 5 * 64 * 4, 5 * 64 * 4}, // 48 gate rows in panels of 32
      {fb::DType::f32, {64, 2}, "panel64_gated", 64 * 2 * 4, 64 * 2 * 4},
      {fb::DType::q8_0, {5, 64}, "row_major", 5 * 2 * 34, 2 * 34},
      {fb::DType::q4_0, {65, 96}, "panel64", 2 * 64 * 3 * 18, 64 * 3 * 18},
      {fb::DType::q6_k, {128, 512}, "panel64_gated", 2 * 64 * 2 * 210, 64 * 2 * 210},
      {fb::DType::f32, {65, 33}, "tile64", 2 * 2 * 8192, 2 * 8192},
      {fb::DType::f16, {64, 64}, "tile64", 8192, 8192},
      {fb::DType::bf16, {66, 65}, "tile64_gated", 2 * 2 * 8192, 2 * 8192}, // 33 gate rows in panels of 32
  };
  for (const Row &row : rows) {
    Expected<WeightExtent> extent = weightExtent(row.dtype, row.shape, row.layout);
    ASSERT_TRUE(extent) << extent.error().message;
    EXPECT_EQ(extent->bytes, row.bytes) << row.layout;
    EXPECT_EQ(extent->granule, row.granule) << row.layout;
  }
}

TEST(WeightLayoutTest, refuses_what_has_no_extent) {
  auto messageOf = [](fb::DType dtype, std::vector<uint64_t> shape, const char *layout) {
    Expected<WeightExtent> extent = weightExtent(dtype, shape, layout);
    return extent ? "" : extent.error().message;
  };
  constexpr uint64_t huge = uint64_t(1) << 40;
  EXPECT_EQ(messageOf(fb::DType::f32, {}, "row_major"), "shape has no dims");
  EXPECT_EQ(messageOf(fb::DType::f32, {4, 0}, "row_major"), "shape has a dim of 0");
  EXPECT_EQ(messageOf(fb::DType::f32, {4, 4}, "panel32"), "layout 'panel32' is unknown");
  EXPECT_EQ(messageOf(fb::DType::i8, {4, 4}, "panel64"), "weights are not stored as i8");
  EXPECT_EQ(messageOf(static_cast<fb::DType>(200), {4, 4}, "row_major"), "weights are not stored as an unknown dtype");
  EXPECT_EQ(messageOf(fb::DType::q4_k, {4, 128}, "panel64"),
            "rows of 128 elements are no whole blocks of q4_k (256 elements)");
  EXPECT_EQ(messageOf(fb::DType::f32, {4}, "panel64"), "layout wants a shape of rank 2 or 3");
  EXPECT_EQ(messageOf(fb::DType::f32, {3, 4}, "panel64_gated"),
            "layout wants a shape of rank 2 or 3 with an even number of rows");
  EXPECT_EQ(messageOf(fb::DType::q8_0, {64, 64}, "tile64"), "layout 'tile64' does not take q8_0");
  for (const char *layout : {"row_major", "panel64", "panel64_gated", "tile64", "tile64_gated"})
    for (std::vector<uint64_t> shape : {std::vector<uint64_t>{huge, huge}, {2, UINT64_MAX}, {UINT64_MAX - 1, 2}})
      EXPECT_EQ(messageOf(fb::DType::f32, shape, layout), "shape is too large") << layout;
}

TEST(WeightLayoutTest, places_weights_one_behind_the_other_at_multiples_of_64) {
  fb::ProgramT program;
  for (uint64_t length : {3, 16, 17}) {
    program.weights.push_back(std::make_unique<fb::WeightT>());
    program.weights.back()->shape = {length};
    program.weights.back()->layout = "row_major";
  }
  Expected<uint64_t> bytes = placeWeights(program);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(*bytes, 128u + 68u);
  EXPECT_EQ(program.weights[1]->offset, 64u);
  EXPECT_EQ(program.weights[2]->offset, 128u);
  EXPECT_EQ(program.weights[2]->bytes, 68u);
}

} // namespace
