// A tile's sums as a microkernel leaves them in scratch, for the epilogue to read.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

namespace quipu::cpu {

class TileSums {
public:
  // `tile` rows of x, whose packed form is at `packed`; their sums are at `sums`, rowBytes(form) each.
  TileSums(KernelBuilder &b, const PackedInput &form, int64_t tile, Value sums, Value packed)
      : b(b), form(form), tile(tile), sums(sums), packed(packed) {}

  static int64_t rowBytes(const PackedInput &form) { return form.parts * panelRows * 4; }

  struct Row {
    Value address;
    Values scales; // of parts, in every lane; empty where sums have none
  };
  Row row(Value t) const;
  // lanes() sums of a row from `column` of the panel on.
  Value load(const Row &row, Value column) const;

private:
  KernelBuilder &b;
  const PackedInput &form;
  int64_t tile;
  Value sums, packed;
};

} // namespace quipu::cpu
