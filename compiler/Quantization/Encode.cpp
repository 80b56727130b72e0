#include "compiler/Quantization/Encode.h"

#include "compiler/Quantization/Decode.h"
#include "compiler/Quantization/EncodeKQuants.h"
#include "compiler/Quantization/EncodeRuns.h"
#include "models/import/FloatConversion.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>

#pragma STDC FP_CONTRACT OFF

namespace quipu::quantization {
namespace {

constexpr int64_t mostElements = 256; // of a block
constexpr uint16_t halfNan = 0x7e00;

// The best scale for a zero point that is held, from the levels of another scale; both may be worse than the first.
float fitScale(const Run &run, const LinearLevels &levels, float scale, float zero) {
  float q[mostElements];
  quantise(run, levels, scale, scale * zero, q);
  double aa = 0, ax = 0;
  for (int64_t j = 0; j < run.size; ++j) {
    double a = double(q[j]) - zero;
    aa += run.importance[j] * a * a;
    ax += run.importance[j] * a * run.values[j];
  }
  return aa > 0 ? halfRounded(float(ax / aa)) : scale;
}

struct ScaleAndZero {
  float scale = 0;
  int zero = 0;
};

// x is near scale * (q - zero), q and zero from 0 to `highest`: the range is made smaller step by step, as long as the
// elements beyond it lose less than the others gain.
ScaleAndZero searchScaleAndZero(const Run &run, int highest) {
  float low = std::min(0.0f, *std::min_element(run.values, run.values + run.size));
  float high = std::max(0.0f, *std::max_element(run.values, run.values + run.size));
  LinearLevels levels = {0, float(highest)};
  ScaleAndZero best;
  double bestError = INFINITY;
  auto offer = [&](float scale, int zero) {
    double error = errorOf(run, levels, scale, scale * float(zero));
    if (error < bestError) {
      bestError = error;
      best = {scale, zero};
    }
  };
  offer(0, 0);
  int steps = highest == 15 ? 12 : 2;
  for (int step = 0; step < steps; ++step) {
    float scale = halfRoundedAbove0((high - low) * (1.03f - 0.03f * float(step)) / float(highest));
    if (scale == 0)
      continue;
    int middle = std::clamp(int(std::lrint(-low / (high - low) * float(highest))), 0, highest);
    for (int zero = std::max(0, middle - 1); zero <= std::min(highest, middle + 1); ++zero) {
      offer(scale, zero);
      offer(fitScale(run, levels, scale, float(zero)), zero);
      if (scale < coarseHalf)
        offer(scale + leastHalf, zero);
    }
  }
  return best;
}

// i8_gN to i4_gNz, and q8_0 and q4_0, which are i8_g32 and i4_g32.
void encodeGroup(GroupFormat format, const Run &run, std::byte *out) {
  bool four = format.bits == 4;
  int lowest = format.hasZero ? 0 : four ? -8 : -127, highest = format.hasZero ? (four ? 15 : 255) : four ? 7 : 127;
  LinearLevels levels = {float(lowest), float(highest)};
  ScaleAndZero chosen;
  if (format.hasZero)
    chosen = searchScaleAndZero(run, highest);
  else
    chosen.scale = searchScale(run, levels, four ? fourBitSpread : 0);
  uint16_t d = toHalf(chosen.scale);
  std::memcpy(out, &d, 2);
  if (format.hasZero)
    out[2] = std::byte(chosen.zero);
  float q[mostElements];
  quantise(run, levels, chosen.scale, chosen.scale * float(chosen.zero), q);
  // Four bits without a zero point are stored with 8 added.
  uint8_t bytes[mostElements];
  for (int64_t j = 0; j < run.size; ++j)
    bytes[j] = uint8_t(int(q[j]) + (four && !format.hasZero ? 8 : 0));
  auto *integers = reinterpret_cast<uint8_t *>(out + format.headBytes());
  if (four)
    storeNibbles(bytes, run.size, integers);
  else
    std::memcpy(integers, bytes, size_t(run.size));
}

// A block that decodes to nothing but NaN: its scale is one, and no integer takes part.
void encodeUndefined(const StorageFormat &format, std::byte *out) {
  if (format.dtype == fb::DType::mxfp4) { // the largest scale times the largest level is beyond f32
    std::memset(out, 0x77, format.blockBytes);
    out[0] = std::byte(255);
    return;
  }
  std::memset(out, 0, format.blockBytes);
  size_t place = format.dtype == fb::DType::q6_k   ? offsetof(BlockQ6K, d)
                 : format.dtype == fb::DType::q3_k ? offsetof(BlockQ3K, d)
                 : format.dtype == fb::DType::q2_k ? offsetof(BlockQ2K, d)
                                                   : 0;
  std::memcpy(out + place, &halfNan, 2);
}

void encodeBlock(const StorageFormat &format, const Run &run, std::byte *out) {
  if (!std::all_of(run.values, run.values + run.size, [](float value) { return std::isfinite(value); }))
    return encodeUndefined(format, out);
  auto store = [&](const auto &block) { std::memcpy(out, &block, sizeof(block)); };
  switch (format.dtype) {
  case fb::DType::q4_1:
    return store(encodeQ4_1(run));
  case fb::DType::q5_0:
    return store(encodeQ5_0(run));
  case fb::DType::q5_1:
    return store(encodeQ5_1(run));
  case fb::DType::iq4_nl:
    return store(encodeIq4Nl(run));
  case fb::DType::mxfp4:
    return store(encodeMxfp4(run));
  case fb::DType::q2_k:
    return store(encodeQ2K(run.values, run.importance));
  case fb::DType::q3_k:
    return store(encodeQ3K(run.values, run.importance));
  case fb::DType::q4_k:
    return store(encodeQ4K(run.values, run.importance));
  case fb::DType::q5_k:
    return store(encodeQ5K(run.values, run.importance));
  case fb::DType::q6_k:
    return store(encodeQ6K(run.values, run.importance));
  case fb::DType::iq4_xs:
    return store(encodeIq4Xs(run.values, run.importance));
  default:
    return encodeGroup(groupFormat(format), run, out);
  }
}

} // namespace

void encode(const StorageFormat &format, const float *values, const float *importance, int64_t elements,
            std::byte *out) {
  if (!format.isBlocked()) {
    uint16_t bits[mostElements];
    for (int64_t done = 0; done < elements; done += mostElements) {
      int64_t part = std::min(mostElements, elements - done);
      if (format.dtype == fb::DType::f16)
        models::floatToF16(values + done, part, bits);
      else if (format.dtype == fb::DType::bf16)
        models::floatToBf16(values + done, part, bits);
      const void *from = format.dtype == fb::DType::f32 ? static_cast<const void *>(values + done) : bits;
      std::memcpy(out + done * format.blockBytes, from, size_t(part) * format.blockBytes);
    }
    return;
  }
  static const std::array<float, mostElements> alike = [] {
    std::array<float, mostElements> ones;
    ones.fill(1);
    return ones;
  }();
  int64_t size = format.blockElements;
  assert(elements % size == 0 && "rows are whole blocks");
  for (int64_t done = 0; done < elements; done += size, out += format.blockBytes)
    encodeBlock(format, {values + done, importance ? importance + done : alike.data(), size}, out);
}

} // namespace quipu::quantization
