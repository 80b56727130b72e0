#include "compiler/Artifact/WeightPacker.h"

#include "models/import/FloatConversion.h"
#include "runtime/Artifact/WeightLayout.h"

#include <algorithm>
#include <cstring>

namespace quipu {
namespace {

using models::TensorInfo;

// How many elements of k a block of a panel takes in one go: with 64 rows, a block of either type fits the L1 cache.
constexpr int64_t blockElements = 64;

template <typename Element> void convertFloats(const float *from, int64_t count, Element *to) {
  if constexpr (sizeof(Element) == 4)
    std::copy(from, from + count, to);
  else
    models::floatToBf16(from, count, to);
}

// The tensor's own elements where they are of the storage type, else the elements rounded to it.
template <typename Element>
Expected<> readRows(const TensorInfo &tensor, int64_t firstRow, int64_t rows, Element *out) {
  models::DType own = sizeof(Element) == 4 ? models::DType::F32 : models::DType::BF16;
  int64_t rowSize = tensor.rowSize();
  if (tensor.dtype == own) {
    std::memcpy(out, tensor.data + firstRow * rowSize * sizeof(Element), rows * rowSize * sizeof(Element));
    return {};
  }
  std::vector<float> values(rowSize);
  for (int64_t row = 0; row < rows; ++row) {
    if (auto converted = models::convertRows(tensor, firstRow + row, 1, values.data()); !converted)
      return converted;
    convertFloats(values.data(), rowSize, out + row * rowSize);
  }
  return {};
}

// Rows of the joined weight.
template <typename Element>
Expected<> readJoinedRows(const std::vector<const TensorInfo *> &sources, int64_t firstRow, int64_t rows,
                          Element *out) {
  for (const TensorInfo *source : sources) {
    int64_t here = std::min(rows, source->rows() - firstRow);
    if (here > 0) {
      if (auto read = readRows(*source, firstRow, here, out); !read)
        return read;
      out += here * source->rowSize();
      rows -= here;
      firstRow += here;
    }
    firstRow -= source->rows();
    if (rows == 0)
      break;
  }
  return {};
}

// Writes `count` rows of a panel from lane `lane` on. rows: [count][columns]; panel: [groups][64] of Group, a group
// being one f32 or two neighbouring bf16.
template <typename Element>
void fillLanes(const Element *rows, int64_t count, int64_t columns, int64_t lane, std::byte *panel) {
  constexpr int64_t pair = 4 / sizeof(Element);
  int64_t groups = columns / pair; // whole ones
  for (int64_t first = 0; first < groups; first += blockElements) {
    int64_t last = std::min(groups, first + blockElements);
    for (int64_t row = 0; row < count; ++row) {
      const Element *from = rows + row * columns;
      for (int64_t group = first; group < last; ++group)
        std::memcpy(panel + (group * int64_t(panelRows) + lane + row) * 4, from + group * pair, 4);
    }
  }
  if (columns % pair) // odd: the second of the last pair stays zero
    for (int64_t row = 0; row < count; ++row)
      std::memcpy(panel + (groups * int64_t(panelRows) + lane + row) * 4, rows + row * columns + groups * pair,
                  sizeof(Element));
}

struct PanelSource {
  const std::vector<const TensorInfo *> &tensors;
  int64_t rows, columns;
  bool gated;
};

template <typename Element>
Expected<> packPanels(const PanelSource &source, int64_t firstPanel, int64_t panels, std::byte *out) {
  constexpr int64_t pair = 4 / sizeof(Element);
  int64_t panelBytes = (source.columns + pair - 1) / pair * int64_t(panelRows) * 4;
  std::vector<Element> rows(int64_t(panelRows) * source.columns);
  // A gated panel is two halves, each from its own half of the weight.
  int64_t parts = source.gated ? 2 : 1;
  int64_t partRows = source.rows / parts, partLanes = int64_t(panelRows) / parts;
  for (int64_t panel = firstPanel; panel < firstPanel + panels; ++panel, out += panelBytes) {
    for (int64_t part = 0; part < parts; ++part) {
      int64_t first = panel * partLanes;
      int64_t count = std::min(partLanes, partRows - first);
      if (count <= 0)
        continue;
      if (auto read = readJoinedRows(source.tensors, part * partRows + first, count, rows.data()); !read)
        return read;
      fillLanes(rows.data(), count, source.columns, part * partLanes, out);
    }
  }
  return {};
}

} // namespace

Expected<WeightPacker> WeightPacker::create(const models::Checkpoint &checkpoint,
                                            const std::vector<WeightRecipe> &recipes) {
  WeightPacker packer;
  for (const WeightRecipe &recipe : recipes) {
    Expected<Weight> weight = resolve(checkpoint, recipe);
    if (!weight)
      return passError(std::move(weight));
    packer.weights.push_back(std::move(*weight));
  }
  return packer;
}

Expected<WeightPacker::Weight> WeightPacker::resolve(const models::Checkpoint &checkpoint, const WeightRecipe &recipe) {
  if (recipe.storage != fb::DType::f32 && recipe.storage != fb::DType::bf16)
    return makeError("weight '{}': storage of {} cannot be packed", recipe.sources.front(), dtypeName(recipe.storage));
  bool isVector = recipe.shape.size() == 1;
  Weight weight{recipe, {}, isVector ? 1 : int64_t(recipe.shape[0]), int64_t(recipe.shape.back())};
  int64_t joined = 0;
  for (const std::string &name : recipe.sources) {
    const TensorInfo *tensor = checkpoint.find(name);
    if (!tensor)
      return makeError("{}: there is no tensor '{}', which the model needs", checkpoint.path(), name);
    if (!models::isWeightType(tensor->dtype))
      return makeError("{}: tensor '{}' is of {}, expected F32, F16 or BF16", tensor->file, name,
                       models::dtypeName(tensor->dtype));
    if (tensor->shape.size() != recipe.shape.size() || (!isVector && tensor->shape[1] != weight.columns))
      return makeError("{}: tensor '{}' does not have the rank and columns the model gives it", tensor->file, name);
    joined += tensor->shape[0];
    weight.sources.push_back(tensor);
  }
  if (joined != int64_t(recipe.shape[0]))
    return makeError("{}: tensor '{}' and those joined with it have {} rows, expected {}", checkpoint.path(),
                     recipe.sources.front(), joined, recipe.shape[0]);
  return weight;
}

template <typename Element>
static Expected<> packAs(const std::vector<const TensorInfo *> &sources, const WeightRecipe &recipe, int64_t rows,
                         int64_t columns, uint64_t begin, std::byte *out, uint64_t bytes) {
  if (recipe.shape.size() == 1) { // a vector, whole
    for (const TensorInfo *source : sources) {
      std::vector<Element> values(source->elements());
      if (auto read = readRows(*source, 0, 1, values.data()); !read)
        return read;
      std::memcpy(out, values.data(), values.size() * sizeof(Element));
      out += values.size() * sizeof(Element);
    }
    return {};
  }
  if (recipe.layout == "row_major") {
    uint64_t rowBytes = columns * sizeof(Element);
    // Weights lie at multiples of 64 bytes and rows are whole, so `out` is aligned for an element.
    return readJoinedRows(sources, int64_t(begin / rowBytes), int64_t(bytes / rowBytes),
                          reinterpret_cast<Element *>(out));
  }
  constexpr int64_t pair = 4 / sizeof(Element);
  uint64_t panelBytes = (columns + pair - 1) / pair * panelRows * 4;
  PanelSource source{sources, rows, columns, recipe.layout == "panel64_gated"};
  return packPanels<Element>(source, int64_t(begin / panelBytes), int64_t(bytes / panelBytes), out);
}

Expected<> WeightPacker::pack(uint32_t index, uint64_t begin, std::byte *out, uint64_t bytes) const {
  const Weight &weight = weights[index];
  if (weight.recipe.storage == fb::DType::f32)
    return packAs<float>(weight.sources, weight.recipe, weight.rows, weight.columns, begin, out, bytes);
  return packAs<uint16_t>(weight.sources, weight.recipe, weight.rows, weight.columns, begin, out, bytes);
}

} // namespace quipu
