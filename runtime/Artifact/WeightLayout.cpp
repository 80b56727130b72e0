#include "runtime/Artifact/WeightLayout.h"

#include "runtime/Artifact/Format.h"
#include "runtime/Artifact/StorageFormat.h"
#include "runtime/Support/Rounding.h"

namespace quipu {

namespace {

constexpr uint64_t maxWeightBytes = uint64_t(1) << 48;

// The product, or nothing where it would pass maxWeightBytes; factors are not zero.
bool multiplyInto(uint64_t &product, uint64_t factor) {
  if (factor > maxWeightBytes / product)
    return false;
  product *= factor;
  return true;
}

// Dims in units of blocks along the last axis.
Expected<WeightExtent> rowMajorExtent(uint64_t blockBytes, const std::vector<uint64_t> &shape) {
  uint64_t row = blockBytes;
  for (size_t axis = shape.size() > 1 ? 1 : 0; axis < shape.size(); ++axis)
    if (!multiplyInto(row, shape[axis]))
      return makeError("shape is too large");
  uint64_t bytes = row;
  if (shape.size() > 1 && !multiplyInto(bytes, shape[0]))
    return makeError("shape is too large");
  return WeightExtent{bytes, row};
}

Expected<WeightExtent> panelExtent(const StorageFormat &format, const std::vector<uint64_t> &shape, bool gated) {
  if (shape.size() < 2 || shape.size() > 3 || (gated && shape[shape.size() - 2] % 2 != 0))
    return makeError("layout wants a shape of rank 2 or 3{}", gated ? " with an even number of rows" : "");
  uint64_t rows = shape[shape.size() - 2];
  bool pairs = format.dtype == fb::DType::bf16; // along K
  uint64_t together = pairs ? 2 : format.blockElements;
  uint64_t panel = panelRows * (pairs ? 4 : format.blockBytes);
  if (!multiplyInto(panel, divideUp(shape.back(), together)))
    return makeError("shape is too large");
  uint64_t bytes = panel;
  if (!multiplyInto(bytes, gated ? divideUp(rows / 2, panelRows / 2) : divideUp(rows, panelRows)) ||
      !multiplyInto(bytes, shape.size() == 3 ? shape[0] : 1))
    return makeError("shape is too large");
  return WeightExtent{bytes, panel};
}

Expected<WeightExtent> tileExtent(const StorageFormat &format, const std::vector<uint64_t> &shape, bool gated) {
  if (format.isBlocked())
    return makeError("layout '{}' does not take {}", gated ? "tile64_gated" : "tile64", format.name);
  if (shape.size() != 2 || (gated && shape[0] % 2 != 0))
    return makeError("layout wants a shape of rank 2{}", gated ? " with an even number of rows" : "");
  uint64_t panel = tileBytes;
  if (!multiplyInto(panel, divideUp(shape[1], tileRowBytes / format.blockBytes)))
    return makeError("shape is too large");
  uint64_t bytes = panel;
  if (!multiplyInto(bytes, gated ? divideUp(shape[0] / 2, panelRows / 2) : divideUp(shape[0], panelRows)))
    return makeError("shape is too large");
  return WeightExtent{bytes, panel};
}

} // namespace

uint64_t dtypeBytes(fb::DType dtype) {
  switch (dtype) {
  case fb::DType::f32:
  case fb::DType::i32:
    return 4;
  case fb::DType::f16:
  case fb::DType::bf16:
    return 2;
  case fb::DType::i8:
    return 1;
  default:
    return 0;
  }
}

std::string_view dtypeName(fb::DType dtype) { return fb::EnumNameDType(dtype); }

Expected<WeightExtent> weightExtent(fb::DType dtype, const std::vector<uint64_t> &shape, std::string_view layout) {
  if (shape.empty())
    return makeError("shape has no dims");
  for (uint64_t dim : shape)
    if (dim == 0)
      return makeError("shape has a dim of 0");
  const StorageFormat *format = findStorageFormat(dtype);
  if (!format)
    return makeError("weights are not stored as {}", dtype <= fb::DType::MAX ? dtypeName(dtype) : "an unknown dtype");
  if (!format->takesRow(shape.back()))
    return makeError("rows of {} elements are no whole blocks of {} ({} elements)", shape.back(), format->name,
                     format->blockElements);
  if (layout == "row_major") {
    std::vector<uint64_t> blocks = shape;
    blocks.back() /= format->blockElements;
    return rowMajorExtent(format->blockBytes, blocks);
  }
  if (layout == "tile64" || layout == "tile64_gated")
    return tileExtent(*format, shape, layout == "tile64_gated");
  if (layout != "panel64" && layout != "panel64_gated")
    return makeError("layout '{}' is unknown", layout);
  return panelExtent(*format, shape, layout == "panel64_gated");
}

Expected<uint64_t> placeWeights(fb::ProgramT &program) {
  uint64_t end = 0;
  for (auto &weight : program.weights) {
    Expected<WeightExtent> extent = weightExtent(weight->dtype, weight->shape, weight->layout);
    if (!extent)
      return makeError("weight '{}': {}", weight->name, extent.error().message);
    weight->offset = roundUp(end, weightAlignment);
    weight->bytes = extent->bytes;
    end = weight->offset + weight->bytes;
    if (end > maxWeightBytes)
      return makeError("weight '{}': all weights together are too large", weight->name);
  }
  return end;
}

} // namespace quipu
