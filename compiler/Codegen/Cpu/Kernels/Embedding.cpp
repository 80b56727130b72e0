// embedding: out[t] = table[ids[t]], widened to f32. An id outside the table gives a row of zeros: ids come from users.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/Kernels/Matmul/BlockReader.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

namespace quipu::cpu {
namespace {

struct Embedding {
  int64_t rows, dim;
  StorageFormat format;
  std::optional<double> scale = {};
};

// What is stored, times the scale: a scalar or a vector.
Value scaled(KernelBuilder &b, const Embedding &e, Value x) {
  if (!e.scale)
    return x;
  auto vector = mlir::dyn_cast<mlir::VectorType>(x.getType());
  return b.mulf(x, b.real(*e.scale, vector ? vector.getNumElements() : 1));
}

// `lanes` elements of row-major storage from column on, as f32; lanes at or beyond dim are 0.
Value loadStored(KernelBuilder &b, const StorageFormat &format, Value row, Value column, Value mask) {
  int64_t lanes = b.lanes();
  if (format.dtype == fb::DType::f32)
    return b.loadOr0(b.offset(row, column, 4), b.f32(lanes), mask);
  Value bits = b.loadOr0(b.offset(row, column, 2), b.i16(lanes), mask, 2);
  return format.dtype == fb::DType::f16 ? b.widenF16(bits) : b.widenBf16(bits);
}

void copyRow(KernelBuilder &b, const Embedding &e, Value row, Value out) {
  b.loop(b.constant(0), b.constant(e.dim), b.lanes(), [&](Value column) {
    Value mask = b.tailMask(b.sub(b.constant(e.dim), column), b.lanes());
    b.store(scaled(b, e, loadStored(b, e.format, row, column, mask)), b.offset(out, column, 4), mask);
  });
}

// A row of a panel lies 64 elements (or pairs) apart. A column load touches a cache line of its own whatever the vector
// width, so there is nothing to vectorise over; a step reads a handful of rows.
void copyPanelRow(KernelBuilder &b, const Embedding &e, Value table, Value id, Value out) {
  PanelLayout layout(e.rows, e.dim, e.format);
  Value panel = b.offset(table, b.div(id, panelRows), layout.panelBytes());
  int64_t wordBytes = layout.groupBytes() / panelRows;
  Value first = b.offset(panel, b.rem(id, panelRows), wordBytes);
  b.loop(b.constant(0), b.constant(layout.groups()), 1, [&](Value group) {
    Value address = b.offset(first, group, layout.groupBytes());
    if (e.format.dtype != fb::DType::bf16) {
      bool half = wordBytes == 2;
      Value stored = half ? b.widenF16(b.load(address, b.i16(), 2)) : b.load(address, b.f32());
      b.store(scaled(b, e, stored), b.offset(out, group, 4));
      return;
    }
    Value pair = b.load(address, b.i32());
    b.store(scaled(b, e, b.bitcast(b.shiftLeft(pair, 16), b.f32())), b.offset(out, group, 8));
    auto second = [&] {
      Value high = b.bitAnd(pair, b.constant(int64_t(0xffff0000u), b.i32()));
      b.store(scaled(b, e, b.bitcast(high, b.f32())), b.offset(b.offset(out, group, 8), 4));
    };
    if (e.dim % 2 == 0)
      second();
    else
      b.when(b.less(group, b.constant(layout.groups() - 1)), second);
  });
}

// A row of a table in blocks. The reader takes lanes() rows of a panel at a time; the one asked for is put aside in
// scratch and read from there.
void copyBlocks(KernelBuilder &b, const Embedding &e, const BlockLayout &blocks, Value table, Value id, Value out) {
  PanelLayout layout(e.rows, e.dim, e.format);
  BlockReader reader(b, blocks);
  int64_t lanes = b.lanes();
  Value words = b.scratch(4 * lanes), numbers = b.scratch(4 * lanes);
  Value panel = b.offset(table, b.div(id, panelRows), layout.panelBytes());
  Value row = b.rem(id, panelRows), lane = b.rem(row, lanes), column = b.sub(row, lane);
  auto laneOf = [&](Value vector, Value aside, mlir::Type type) {
    b.store(vector, aside);
    return b.load(b.offset(aside, lane, 4), type);
  };
  b.loop(b.constant(0), b.constant(layout.groups()), 1, [&](Value group) {
    Value unit = b.offset(panel, group, blocks.unitBytes());
    b.loop(b.constant(0), b.constant(blocks.runs()), 1, [&](Value index) {
      Value firstColumn = b.add(b.mul(group, blocks.columns), b.mul(index, runColumns));
      for (int64_t s = 0; s < blocks.segments(); ++s) {
        BlockReader::Run run = reader.run(unit, index);
        BlockReader::Scales scales = reader.segmentScales(reader.unitScales(unit, column), run, s, column);
        Value scale = laneOf(scales.scale, numbers, b.f32()), minimum = b.real(0);
        if (blocks.hasMinimum())
          minimum = laneOf(scales.minimum, numbers, b.f32());
        for (int64_t quad = 0; quad < blocks.segmentQuads(); ++quad) {
          Value word = laneOf(reader.quad(run, s, quad, column), words, b.i32());
          for (int64_t byte = 0; byte < 4; ++byte) {
            Value at = b.add(firstColumn, s * blocks.segmentColumns + quad * 4 + byte);
            Value stored = b.bitAnd(b.shiftRight(word, 8 * byte), b.constant(255, b.i32()));
            Value weight = b.subf(b.mulf(b.intToFloat(b.add(stored, -blocks.bias)), scale), minimum);
            b.store(scaled(b, e, weight), b.offset(out, at, 4));
          }
        }
      }
    });
  });
}

} // namespace

Expected<> generateEmbedding(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  Embedding e{params.integer("rows"), params.integer("dim"), params.format("storage")};
  if (params.has("scale"))
    e.scale = params.real("scale");
  std::string layout = params.text("layout");
  params.require(layout == "row_major" || layout == "panel64",
                 fmt::format("expected layout \"row_major\" or \"panel64\", got \"{}\"", layout));
  std::optional<BlockLayout> blocks = BlockLayout::of(e.format);
  params.require(!blocks || layout == "panel64", "expected layout \"panel64\" of a table stored in blocks");
  params.require(e.format.takesRow(uint64_t(e.dim)), "expected dim to be whole blocks of the storage format");
  if (auto read = params.finish(); !read)
    return read;

  Value ids = b.buffer("ids"), table = b.buffer("table"), out = b.buffer("out");
  auto [first, last] = b.workerRange(b.dim(StepDim::Tokens));
  b.loop(first, last, 1, [&](Value token) {
    Value id = b.toI64(b.load(b.offset(ids, token, 4), b.i32()));
    Value outRow = b.offset(out, token, e.dim * 4);
    Value known = b.bitAnd(b.less(b.constant(-1), id), b.less(id, b.constant(e.rows)));
    b.when(known, [&] {
      if (blocks)
        copyBlocks(b, e, *blocks, table, id, outRow);
      else if (layout == "panel64")
        copyPanelRow(b, e, table, id, outRow);
      else
        copyRow(b, e, b.offset(table, id, e.dim * e.format.blockBytes), outRow);
    });
    b.when(b.equal(known, b.zero(known.getType())), [&] {
      b.loop(b.constant(0), b.constant(e.dim), b.lanes(), [&](Value column) {
        Value mask = b.tailMask(b.sub(b.constant(e.dim), column), b.lanes());
        b.store(b.real(0, b.lanes()), b.offset(outRow, column, 4), mask);
      });
    });
  });
  return {};
}

} // namespace quipu::cpu
