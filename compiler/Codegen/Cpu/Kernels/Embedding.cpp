// embedding: out[t] = table[ids[t]], widened to f32. An id outside the table gives a row of zeros: ids come from users.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

namespace quipu::cpu {
namespace {

struct Embedding {
  int64_t rows, dim;
  Storage storage;
};

// `lanes` elements of row-major storage from column on, as f32; lanes at or beyond dim are 0.
Value loadStored(KernelBuilder &b, Storage storage, Value row, Value column, Value mask) {
  int64_t lanes = b.lanes();
  if (storage == Storage::F32)
    return b.loadOr0(b.offset(row, column, 4), b.f32(lanes), mask);
  return b.widenBf16(b.loadOr0(b.offset(row, column, 2), b.i16(lanes), mask, 2));
}

void copyRow(KernelBuilder &b, const Embedding &e, Value row, Value out) {
  b.loop(b.constant(0), b.constant(e.dim), b.lanes(), [&](Value column) {
    Value mask = b.tailMask(b.sub(b.constant(e.dim), column), b.lanes());
    b.store(loadStored(b, e.storage, row, column, mask), b.offset(out, column, 4), mask);
  });
}

// A row of a panel lies 64 elements (or pairs) apart. A column load touches a cache line of its own whatever the vector
// width, so there is nothing to vectorise over; a step reads a handful of rows.
void copyPanelRow(KernelBuilder &b, const Embedding &e, Value table, Value id, Value out) {
  PanelLayout layout(e.rows, e.dim, e.storage);
  Value panel = b.offset(table, b.div(id, panelRows), layout.panelBytes());
  Value first = b.offset(panel, b.rem(id, panelRows), 4);
  b.loop(b.constant(0), b.constant(layout.groups()), 1, [&](Value group) {
    Value address = b.offset(first, group, panelRows * 4);
    if (e.storage == Storage::F32) {
      b.store(b.load(address, b.f32()), b.offset(out, group, 4));
      return;
    }
    Value pair = b.load(address, b.i32());
    b.store(b.bitcast(b.shiftLeft(pair, 16), b.f32()), b.offset(out, group, 8));
    auto second = [&] {
      Value high = b.bitAnd(pair, b.constant(int64_t(0xffff0000u), b.i32()));
      b.store(b.bitcast(high, b.f32()), b.offset(b.offset(out, group, 8), 4));
    };
    if (e.dim % 2 == 0)
      second();
    else
      b.when(b.less(group, b.constant(layout.groups() - 1)), second);
  });
}

} // namespace

Expected<> generateEmbedding(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  Embedding e{params.integer("rows"), params.integer("dim"), params.storage("storage")};
  std::string layout = params.text("layout");
  params.require(layout == "row_major" || layout == "panel64",
                 fmt::format("expected layout \"row_major\" or \"panel64\", got \"{}\"", layout));
  if (auto read = params.finish(); !read)
    return read;

  Value ids = b.buffer(0), table = b.buffer(1), out = b.buffer(2);
  auto [first, last] = b.workerRange(b.dim(StepDim::Tokens));
  b.loop(first, last, 1, [&](Value token) {
    Value id = b.toI64(b.load(b.offset(ids, token, 4), b.i32()));
    Value outRow = b.offset(out, token, e.dim * 4);
    Value known = b.bitAnd(b.less(b.constant(-1), id), b.less(id, b.constant(e.rows)));
    b.when(known, [&] {
      if (layout == "panel64")
        copyPanelRow(b, e, table, id, outRow);
      else
        copyRow(b, e, b.offset(table, id, e.dim * (e.storage == Storage::F32 ? 4 : 2)), outRow);
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
