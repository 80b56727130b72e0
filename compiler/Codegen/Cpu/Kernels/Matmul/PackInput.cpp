// pack_input: the stage before a `packed_input` matmul; norms, converts and interleaves x once for all workers.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/Kernels/Matmul/InputPacking.h"

namespace quipu::cpu {

Expected<> generatePackInput(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t k = params.integer("k");
  StorageFormat format = params.format("storage");
  InputPacking packing{PackedInput(k, format, b.chip(), params.integer("parts")), params.integer("tile")};
  packing.readNorm(params);
  int64_t rowsDim = params.integer("rows_dim");
  packing.checkTile(params);
  params.require(format.takesRow(uint64_t(k)), "expected k to be whole blocks of the storage format");
  if (auto read = params.finish(); !read)
    return read;

  InputPacking::Operands operands{b.buffer("x"), b.buffer("gain"), b.buffer("shift")};
  Value packed = b.buffer("packed"), rows = b.rows(rowsDim), statistics = b.scratch(packing.statisticsBytes());
  auto [first, last] = b.workerRange(b.divUp(rows, packing.tile));
  b.loop(first, last, 1, [&](Value tile) {
    packing.emit(b, operands, b.mul(tile, packing.tile), rows, b.offset(packed, tile, packing.tileBytes()), statistics);
  });
  return {};
}

} // namespace quipu::cpu
