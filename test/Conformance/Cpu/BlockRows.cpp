// Weights of random blocks, and what else the table has for them.
#include "compiler/Codegen/Cpu/PackBlocks.h"
#include "compiler/Quantization/Decode.h"
#include "test/Conformance/Cpu/KernelTable.h"

#include <random>

namespace quipu::cpu::conformance {

const StorageFormat &format(const std::string &name) { return *findStorageFormat(name); }

namespace {

// The place of a row of W in the panels.
struct Place {
  int64_t panel, row;

  Place(const PanelLayout &layout, int64_t row)
      : panel(row % layout.n / layout.outputsPerPanel()),
        row(row / layout.n * layout.outputsPerPanel() + row % layout.n % layout.outputsPerPanel()) {}
};

// Where a block has its f16 scales.
std::vector<size_t> scalePlaces(const StorageFormat &format) {
  switch (format.dtype) {
  case fb::DType::q4_1:
  case fb::DType::q5_1:
  case fb::DType::q4_k:
  case fb::DType::q5_k:
    return {0, 2};
  case fb::DType::q2_k:
    return {80, 82};
  case fb::DType::q3_k:
    return {108};
  case fb::DType::q6_k:
    return {208};
  case fb::DType::mxfp4:
    return {};
  default:
    return {0};
  }
}

// Where the values of a block begin.
size_t valuesPlace(const StorageFormat &format) {
  switch (format.dtype) {
  case fb::DType::q3_k:
  case fb::DType::q6_k:
    return 0;
  case fb::DType::q2_k:
    return 16;
  default: // they come last
    return format.blockBytes - size_t(format.blockElements * BlockLayout::of(format)->valueBits / 8);
  }
}

// Blocks of random bits, but for the f16 scales: of either sign, most within a factor of 16, now and then zero,
// subnormal or large.
std::vector<uint8_t> randomBlocks(const StorageFormat &format, size_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<uint8_t> bytes(count * format.blockBytes);
  for (uint8_t &byte : bytes)
    byte = uint8_t(engine() >> 11);
  for (size_t block = 0; block < count; ++block)
    for (size_t place : scalePlaces(format)) {
      uint32_t random = engine() >> 4;
      uint16_t exponent = uint16_t(8 + random % 4), rest = uint16_t(random >> 8 & 0x83ff);
      uint16_t bits = uint16_t(rest | exponent << 10);
      if ((random >> 24) % 8 == 0)
        bits = random % 3 == 0 ? 0 : random % 3 == 1 ? uint16_t(rest) : uint16_t(rest | 24 << 10);
      std::memcpy(&bytes[block * format.blockBytes + place], &bits, 2);
    }
  // Exponents within a factor of 16 as well, now and then the two subnormal ones.
  for (size_t block = 0; block < count && format.dtype == fb::DType::mxfp4; ++block) {
    uint32_t random = engine() >> 4;
    bytes[block * format.blockBytes] = uint8_t(random % 8 == 0 ? random >> 8 & 1 : 118 + random % 4);
  }
  return bytes;
}

} // namespace

StoredWeight randomWeight(const PanelLayout &layout, uint32_t seed, bool largest) {
  int64_t rows = layout.gated ? 2 * layout.n : layout.n;
  if (!layout.format.isBlocked()) {
    ElementType element = layout.format.dtype == fb::DType::f32   ? ElementType::F32
                          : layout.format.dtype == fb::DType::f16 ? ElementType::F16
                                                                  : ElementType::BF16;
    std::vector<float> values = rounded(randomValues(size_t(rows * layout.k), seed), element);
    return {values, asPanels(values, layout)};
  }
  std::vector<uint8_t> blocks = randomBlocks(layout.format, size_t(rows * layout.groups()), seed);
  if (largest) {
    size_t block = layout.format.blockBytes;
    size_t count = size_t(layout.format.blockElements * BlockLayout::of(layout.format)->valueBits / 8);
    uint8_t most = layout.format.dtype == fb::DType::mxfp4 ? 0x77 : 0xff; // the sign is the highest bit
    for (size_t at = valuesPlace(layout.format); at < blocks.size(); at += block)
      std::fill_n(blocks.begin() + ptrdiff_t(at), count, most);
  }
  auto *source = reinterpret_cast<const std::byte *>(blocks.data());
  StoredWeight weight;
  weight.values.resize(size_t(rows * layout.k));
  quantization::decode(layout.format, source, rows * layout.k, weight.values.data());
  weight.panels.bytes.resize(size_t(layout.bytes()));
  for (int64_t panel = 0; panel < layout.panels(); ++panel)
    for (int64_t group = 0; group < layout.groups(); ++group) {
      PanelBlocks unit = {};
      for (int64_t row = 0; row < rows; ++row)
        if (Place place(layout, row); place.panel == panel)
          unit[size_t(place.row)] = source + (row * layout.groups() + group) * layout.format.blockBytes;
      packUnit(layout.format, unit,
               reinterpret_cast<std::byte *>(weight.panels.bytes.data() + panel * layout.panelBytes() +
                                             group * layout.groupBytes()));
    }
  return weight;
}

// As test/Conformance/EmbeddingRows.cpp, with a table in blocks.
static KernelRow blockEmbeddingRow(int64_t rows, int64_t dim, const StorageFormat &format) {
  std::string storage(format.name);
  KernelRow row;
  row.name = fmt::format("embedding_{}_v{}_d{}", storage, rows, dim);
  row.stages = {
      {"", "embedding", {{"rows", rows}, {"dim", dim}, {"storage", storage}, {"layout", std::string("panel64")}}}};
  row.tolerance = 2e-6; // a minimum may be taken off in one rounding with the product
  row.sizes = {1, 2, 7};
  row.make = [=](int64_t tokens) {
    StoredWeight table = randomWeight(PanelLayout(rows, dim, format), 1);
    std::vector<int32_t> ids;
    for (int64_t t = 0; t < tokens; ++t)
      ids.push_back(t == 6 ? int32_t(rows) : t == 5 ? -1 : int32_t((t * 37 + rows - 1) % rows));
    Problem problem("embedding");
    problem.dims[Tokens] = tokens;
    problem.give(
        {{"ids", Operand::of(ids)}, {"table", table.panels}, {"out", Operand::output(size_t(tokens * dim * 4))}});
    Expectation out{problem.indexOf("out"), ElementType::F32, {}, {}};
    for (int32_t id : ids)
      for (int64_t d = 0; d < dim; ++d)
        out.value.push_back(id < 0 || id >= rows ? 0 : table.values[size_t(id * dim + d)]);
    problem.expected = {out};
    return problem;
  };
  return row;
}

std::vector<KernelRow> blockEmbeddingRows() {
  std::vector<KernelRow> rows;
  for (const StorageFormat &format : storageFormats)
    if (format.isBlocked())
      rows.push_back(blockEmbeddingRow(130, 3 * format.blockElements, format));
  return rows;
}

} // namespace quipu::cpu::conformance
