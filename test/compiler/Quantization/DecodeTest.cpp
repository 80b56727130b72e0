// The decoder against the gguf package; make_goldens.py made the numbers.
#include "compiler/Quantization/Decode.h"
#include "models/config/JsonFile.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace quipu::quantization {
namespace {

std::vector<std::byte> fromHex(const std::string &text) {
  std::vector<std::byte> bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(std::byte(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

class DecodeGolden : public testing::TestWithParam<const char *> {};

TEST_P(DecodeGolden, every_bit_is_that_of_gguf) {
  auto goldens = models::readJsonObject("test/compiler/Quantization/goldens.json", 1 << 20);
  ASSERT_TRUE(goldens) << goldens.error().message;
  const auto &golden = (*goldens)["decode"][GetParam()];
  std::vector<std::byte> blocks = fromHex(golden["blocks"]), values = fromHex(golden["values"]);
  const StorageFormat &format = *findStorageFormat(std::string_view(GetParam()));
  auto elements = int64_t(values.size() / sizeof(float));
  ASSERT_EQ(blocks.size(), format.rowBytes(uint64_t(elements)));

  std::vector<float> decoded(static_cast<size_t>(elements)), expected(decoded.size());
  std::memcpy(expected.data(), values.data(), values.size());
  decode(format, blocks.data(), elements, decoded.data());
  EXPECT_EQ(decoded, expected);
}

INSTANTIATE_TEST_SUITE_P(Gguf, DecodeGolden,
                         testing::Values("q8_0", "q4_0", "q4_k", "q6_k", "iq4_nl", "q4_1", "q5_0", "q5_1", "q5_k",
                                         "q2_k", "q3_k", "iq4_xs", "mxfp4"),
                         [](const auto &info) { return std::string(info.param); });

// 1.5 as f16 is 3e00.
constexpr uint8_t scaleLow = 0x00, scaleHigh = 0x3e;

std::vector<float> decoded(const char *name, std::vector<uint8_t> bytes) {
  const StorageFormat &format = *findStorageFormat(std::string_view(name));
  EXPECT_EQ(bytes.size(), format.blockBytes);
  std::vector<float> values(format.blockElements);
  decode(format, reinterpret_cast<const std::byte *>(bytes.data()), format.blockElements, values.data());
  return values;
}

TEST(DecodeGroups, eight_bits_are_signed_without_a_zero_point) {
  std::vector<uint8_t> bytes(66, 0);
  bytes[0] = scaleLow, bytes[1] = scaleHigh;
  bytes[2] = 0x80, bytes[65] = 3;
  std::vector<float> values = decoded("i8_g64", bytes);
  EXPECT_EQ(values[0], -192);
  EXPECT_EQ(values[1], 0);
  EXPECT_EQ(values[63], 4.5f);
}

TEST(DecodeGroups, eight_bits_with_a_zero_point_are_unsigned) {
  std::vector<uint8_t> bytes(35, 200);
  bytes[0] = scaleLow, bytes[1] = scaleHigh;
  bytes[3] = 255, bytes[34] = 0;
  std::vector<float> values = decoded("i8_g32z", bytes);
  EXPECT_EQ(values[0], 82.5f);
  EXPECT_EQ(values[1], 0);
  EXPECT_EQ(values[31], -300);
}

TEST(DecodeGroups, four_bits_lie_as_in_q4_0_run_by_run) {
  std::vector<uint8_t> bytes(34, 0x88);
  bytes[0] = scaleLow, bytes[1] = scaleHigh;
  bytes[2] = 0xf0;  // element 0 low, element 16 high
  bytes[33] = 0x9a; // element 47 low, element 63 high
  std::vector<float> values = decoded("i4_g64", bytes);
  EXPECT_EQ(values[0], -12);
  EXPECT_EQ(values[16], 10.5f);
  EXPECT_EQ(values[47], 3);
  EXPECT_EQ(values[63], 1.5f);
  EXPECT_EQ(values[20], 0);
}

TEST(DecodeGroups, four_bits_with_a_zero_point) {
  std::vector<uint8_t> bytes(67, 0x33);
  bytes[0] = scaleLow, bytes[1] = scaleHigh;
  bytes[2] = 3;
  bytes[3] = 0xf0;
  std::vector<float> values = decoded("i4_g128z", bytes);
  EXPECT_EQ(values[0], -4.5f);
  EXPECT_EQ(values[16], 18);
  EXPECT_EQ(values[127], 0);
}

TEST(StorageFormats, names_are_those_of_the_dtypes_and_blocks_are_what_their_structs_hold) {
  for (const StorageFormat &format : storageFormats) {
    EXPECT_EQ(format.name, fb::EnumNameDType(format.dtype));
    EXPECT_EQ(findStorageFormat(format.name), &format);
    EXPECT_EQ(findStorageFormat(format.dtype), &format);
  }
  EXPECT_EQ(findStorageFormat(std::string_view("i8_g32"))->name, "q8_0");
  EXPECT_EQ(findStorageFormat(std::string_view("i4_g32"))->name, "q4_0");
  EXPECT_EQ(findStorageFormat(std::string_view("q8_1")), nullptr);
  EXPECT_EQ(findStorageFormat(fb::DType::i32), nullptr);
  for (auto [name, elements, bits, hasZero] : {std::tuple{"i8_g64", 64, 8, false},
                                               {"i8_g128z", 128, 8, true},
                                               {"i4_g64", 64, 4, false},
                                               {"i4_g32z", 32, 4, true}}) {
    GroupFormat group = groupFormat(*findStorageFormat(std::string_view(name)));
    EXPECT_EQ(group.elements, elements) << name;
    EXPECT_EQ(group.bits, bits) << name;
    EXPECT_EQ(group.hasZero, hasZero) << name;
  }
}

} // namespace
} // namespace quipu::quantization
