// Fills the bytes of a weight as CPU kernels read it from the tensors of a checkpoint. WeightLayout.h states the
// layouts.
#pragma once

#include "compiler/Codegen/Cpu/WeightLayout.h"
#include "models/import/Checkpoint.h"

#include <string>
#include <vector>

namespace quipu::cpu {

enum class WeightForm { RowMajor, Panel64, Panel64Gated };

// "row_major", "panel64", "panel64_gated".
Expected<WeightForm> parseWeightForm(std::string_view name);

// A weight to be packed: F32, F16 or BF16 tensors of one row size joined along rows (vectors: end to end), rounded to
// the storage to nearest, ties to even.
class WeightPacker {
public:
  // Errors name the tensor: an element type that is no weight, row sizes that differ, an odd number of rows for the
  // gated form.
  static Expected<WeightPacker> create(std::vector<const models::TensorInfo *> sources, Storage storage,
                                       WeightForm form);

  uint64_t bytes() const;
  // Bytes [begin, begin + count) into out. Both ends lie between panels (row-major: between elements), so that threads
  // can share a weight.
  void pack(uint64_t begin, std::byte *out, uint64_t count) const;

private:
  struct Source {
    const models::TensorInfo *tensor;
    int64_t firstRow, rows;
  };
  // Elements [column, column + count) of a joined row, as f32 or as bf16 bits.
  void readSegment(int64_t row, int64_t column, int64_t count, float *out) const;
  void readSegment(int64_t row, int64_t column, int64_t count, uint16_t *out) const;
  const std::byte *locate(int64_t row, int64_t column, models::DType &dtype) const;
  void packPanel(int64_t panel, std::byte *out) const;
  void packFlat(uint64_t begin, std::byte *out, uint64_t count) const;
  // The joined row at place `row` of a panel; -1 where the panel is padding.
  int64_t rowInPanel(int64_t panel, int64_t row) const;

  std::vector<Source> sources;
  Storage storage = Storage::F32;
  WeightForm form = WeightForm::RowMajor;
  int64_t rows = 0, columns = 0;
};

} // namespace quipu::cpu
