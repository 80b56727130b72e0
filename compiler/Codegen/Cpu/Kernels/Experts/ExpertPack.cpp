// expert_pack: gathers the rows of x that each expert reads and packs them, tile by tile. A worker has the tiles that
// begin in its part of all rows.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/Kernels/Experts/ExpertGroups.h"
#include "compiler/Codegen/Cpu/Kernels/Experts/ExpertTiles.h"
#include "compiler/Codegen/Cpu/Kernels/Matmul/InputPacking.h"

namespace quipu::cpu {

Expected<> generateExpertPack(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t experts = params.integer("experts"), chosen = params.integer("chosen"), k = params.integer("k");
  StorageFormat format = params.format("storage");
  bool readsParts = params.flag("reads_parts");
  InputPacking packing{PackedInput(k, format, b.chip(), params.integer("parts")), params.integer("tile")};
  packing.checkTile(params);
  params.require(format.takesRow(uint64_t(k)), "expected k to be whole blocks of the storage format");
  if (auto read = params.finish(); !read)
    return read;

  ExpertGroups groups(b, experts);
  Value x = b.buffer("x"), packed = b.buffer("packed"), statistics = b.scratch(packing.statisticsBytes());
  InputPacking::Operands operands{x};
  operands.rowAddress = [&](Value row) {
    Value pair = groups.pairOf(row);
    return b.offset(x, readsParts ? pair : b.div(pair, chosen), k * 4);
  };
  auto [first, last] = b.workerRange(b.mul(b.dim(StepDim::Tokens), chosen));
  Value before = b.add(first, -1), end = last;
  auto packTile = [&](int64_t rows, Value row) {
    b.when(b.bitAnd(b.less(before, row), b.less(row, end)), [&] {
      InputPacking ofTile = packing;
      ofTile.tile = rows;
      ofTile.emit(b, operands, row, b.add(row, rows), b.offset(packed, row, packing.form.rowBytes()), statistics);
    });
  };
  b.loop(b.constant(0), groups.activeCount(), 1,
         [&](Value index) { forTiles(b, groups.firstRow(index), groups.endRow(index), packing.tile, packTile); });
  return {};
}

} // namespace quipu::cpu
