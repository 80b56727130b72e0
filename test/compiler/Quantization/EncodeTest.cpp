// The encoder: errors no larger than those of ggml's quantisers on the same values (goldens.json), and what it does at
// the ends of the range.
#include "compiler/Quantization/Encode.h"

#include "compiler/Quantization/Decode.h"
#include "models/config/JsonFile.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace quipu::quantization {
namespace {

constexpr int64_t rows = 16, columns = 512;

// splitmix64 as numbers of [-1, 1), as in make_goldens.py.
double uniform(uint64_t index, uint64_t seed) {
  uint64_t state = seed + (index + 1) * 0x9E3779B97F4A7C15u;
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EBu;
  state ^= state >> 31;
  return double(state >> 11) * 0x1p-52 - 1.0;
}

std::vector<float> samples() {
  std::vector<float> values;
  for (uint64_t i = 0; i < rows * columns; ++i) {
    double x = uniform(i, 1) + uniform(i, 2) + uniform(i, 3);
    if (std::fabs(uniform(i, 4)) > 0.99)
      x *= 5;
    values.push_back(float(std::ldexp(x, -int(i / columns / 2))));
  }
  return values;
}

std::vector<float> sampleImportance() {
  std::vector<float> importance;
  for (uint64_t i = 0; i < columns; ++i)
    importance.push_back(float(0.01 + std::pow(uniform(i, 5), 4)));
  return importance;
}

std::vector<float> roundTrip(const StorageFormat &format, const float *values, const float *importance,
                             int64_t elements) {
  std::vector<std::byte> blocks(format.rowBytes(uint64_t(elements)));
  encode(format, values, importance, elements, blocks.data());
  std::vector<float> back(static_cast<size_t>(elements));
  decode(format, blocks.data(), elements, back.data());
  return back;
}

// As error_of in make_goldens.py.
double errorOfSamples(const StorageFormat &format, bool weighted) {
  std::vector<float> x = samples(), importance = sampleImportance();
  double total = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const float *row = x.data() + r * columns;
    std::vector<float> back = roundTrip(format, row, weighted ? importance.data() : nullptr, columns);
    double error = 0, all = 0;
    for (size_t j = 0; j < size_t(columns); ++j) {
      double w = weighted ? importance[j] : 1.0, difference = double(back[j]) - row[j];
      error += w * difference * difference;
      all += w * double(row[j]) * row[j];
    }
    total += error / all;
  }
  return total / rows;
}

class EncodeGolden : public testing::TestWithParam<const char *> {};

TEST_P(EncodeGolden, errs_no_more_than_ggml) {
  auto goldens = models::readJsonObject("test/compiler/Quantization/goldens.json", 1 << 20);
  ASSERT_TRUE(goldens) << goldens.error().message;
  const auto &golden = (*goldens)["encode"][GetParam()];
  const StorageFormat &format = *findStorageFormat(std::string_view(GetParam()));
  double error = errorOfSamples(format, false);
  RecordProperty("error", std::to_string(error));
  EXPECT_LE(error, golden["error"].get<double>());
  if (golden.contains("weighted_error"))
    EXPECT_LE(errorOfSamples(format, true), golden["weighted_error"].get<double>());
}

INSTANTIATE_TEST_SUITE_P(Ggml, EncodeGolden,
                         testing::Values("q8_0", "q4_0", "q4_k", "q6_k", "iq4_nl", "q4_1", "q5_0", "q5_1", "q5_k",
                                         "q2_k", "q3_k", "iq4_xs", "mxfp4"),
                         [](const auto &info) { return std::string(info.param); });

class EncodeFormat : public testing::TestWithParam<StorageFormat> {
protected:
  const StorageFormat &format = GetParam();
  int64_t elements = std::max<int64_t>(32, format.blockElements);
  bool isCoarse = format.isBlocked() && format.bitsPerElement() <= 6;
  bool hasPowerOf2 = format.dtype == fb::DType::mxfp4; // for a scale
};

// Half a step of the coarsest scale: 16 or 255 levels over the whole range, and what f16 takes off the scale.
TEST_P(EncodeFormat, no_element_is_further_off_than_the_largest_allows) {
  std::vector<float> x = samples();
  for (int64_t at = 0; at + elements <= columns * 2; at += elements) {
    float largest = 0;
    for (int64_t j = 0; j < elements; ++j)
      largest = std::max(largest, std::fabs(x[size_t(at + j)]));
    std::vector<float> back = roundTrip(format, x.data() + at, nullptr, elements);
    // Five bits and fewer let an outlier go by up to a third of it where the others gain by that.
    float bound = largest * (isCoarse ? 0.34f : format.dtype == fb::DType::q6_k ? 0.05f : 0.0045f);
    for (int64_t j = 0; j < elements; ++j)
      ASSERT_NEAR(back[size_t(j)], x[size_t(at + j)], bound) << format.name << " at " << at + j;
  }
}

TEST_P(EncodeFormat, zeros_stay_zeros) {
  std::vector<float> zeros(static_cast<size_t>(elements), 0.0f);
  EXPECT_EQ(roundTrip(format, zeros.data(), nullptr, elements), zeros);
}

TEST_P(EncodeFormat, equal_elements_stay_equal_and_near) {
  for (float value : {0.37f, -0.37f}) {
    std::vector<float> same(static_cast<size_t>(elements), value);
    std::vector<float> back = roundTrip(format, same.data(), nullptr, elements);
    for (float element : back)
      EXPECT_NEAR(element, value, hasPowerOf2 ? 0.03f : 0.002f) << format.name;
  }
}

TEST_P(EncodeFormat, all_levels_of_a_block_survive_encoding_again) {
  std::vector<float> x = samples();
  std::vector<float> once = roundTrip(format, x.data(), nullptr, elements);
  std::vector<float> twice = roundTrip(format, once.data(), nullptr, elements);
  double error = 0, all = 0;
  for (size_t j = 0; j < once.size(); ++j) {
    error += std::pow(double(twice[j]) - once[j], 2);
    all += std::pow(double(once[j]), 2);
  }
  EXPECT_LE(error, 1e-4 * all) << format.name;
}

TEST_P(EncodeFormat, numbers_that_are_none_are_not_hidden) {
  for (float odd : {INFINITY, -INFINITY, NAN}) {
    std::vector<float> x = samples();
    x[3] = odd;
    std::vector<float> back = roundTrip(format, x.data(), nullptr, elements);
    if (!format.isBlocked())
      EXPECT_TRUE(!std::isfinite(back[3]));
    else
      for (float element : back)
        EXPECT_TRUE(hasPowerOf2 ? std::isinf(element) : std::isnan(element)) << format.name;
  }
}

// Scales below the least f16: levels near zero are left, and nothing becomes worse than zeros.
TEST_P(EncodeFormat, small_elements_are_not_lost) {
  for (float scale : {1e-4f, 1e-5f, 3e-6f, 1e-7f}) {
    std::vector<float> x(static_cast<size_t>(elements)), alternating(x.size());
    for (size_t j = 0; j < x.size(); ++j) {
      x[j] = scale * float(uniform(j, 1));
      alternating[j] = j % 2 ? scale : -scale;
    }
    for (const std::vector<float> &values : {x, alternating}) {
      std::vector<float> back = roundTrip(format, values.data(), nullptr, elements);
      double error = 0, all = 0;
      for (size_t j = 0; j < x.size(); ++j) {
        error += std::pow(double(back[j]) - values[j], 2);
        all += std::pow(double(values[j]), 2);
      }
      EXPECT_LE(error, (scale > 2e-6f ? 0.05 : 1) * all) << format.name << " of " << scale;
    }
  }
}

TEST_P(EncodeFormat, the_ends_of_the_range_stay_finite) {
  for (float scale : {1e-38f, 1e-9f, 1e30f}) {
    std::vector<float> x(static_cast<size_t>(elements));
    for (size_t j = 0; j < x.size(); ++j)
      x[j] = scale * float(uniform(j, 1));
    std::vector<float> back = roundTrip(format, x.data(), nullptr, elements);
    for (size_t j = 0; j < x.size(); ++j) {
      if (format.dtype == fb::DType::f16 && scale > 1)
        continue; // out of its range
      EXPECT_TRUE(std::isfinite(back[j])) << format.name;
      EXPECT_LE(std::fabs(back[j]), std::max(2 * scale, 1e-5f)) << format.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, EncodeFormat, testing::ValuesIn(storageFormats),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
} // namespace quipu::quantization
