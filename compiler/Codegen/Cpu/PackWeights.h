// Fills the bytes of a weight as CPU kernels read it from the tensors of a checkpoint. WeightLayout.h states the
// layouts.
#pragma once

#include "compiler/Codegen/Cpu/WeightLayout.h"
#include "compiler/Codegen/KernelSpec.h"
#include "compiler/Codegen/WeightPacker.h"
#include "compiler/Codegen/WeightRows.h"

#include <memory>
#include <string_view>

namespace quipu::cpu {

enum class WeightForm { RowMajor, Panel64, Panel64Gated };

// "row_major", "panel64", "panel64_gated".
Expected<WeightForm> parseWeightForm(std::string_view name);

class PanelPacker : public WeightPacker {
public:
  // The rows of `matrices` matrices of one size, which are packed one after the other. Errors name the tensor: an odd
  // number of rows for the gated form.
  static Expected<std::unique_ptr<WeightPacker>> create(WeightRows rows, WeightForm form, int64_t matrices = 1);

  uint64_t bytes() const override;
  void pack(uint64_t begin, std::byte *out, uint64_t count) const override;

private:
  PanelPacker(WeightRows rows, WeightForm form, int64_t matrices)
      : source(std::move(rows)), form(form), matrices(matrices) {}
  int64_t matrixRows() const { return source.rows() / matrices; }
  PanelLayout layout() const; // of one matrix
  void packPanel(int64_t panel, std::byte *out) const;
  void packUnits(int64_t panel, std::byte *out) const; // of blocks
  void packFlat(uint64_t begin, std::byte *out, uint64_t count) const;
  // The joined row at place `row` of a panel; -1 where the panel is padding.
  int64_t rowInPanel(int64_t panel, int64_t row) const;
  int64_t rowInMatrix(int64_t panel, int64_t row) const;

  WeightRows source;
  WeightForm form;
  int64_t matrices;
};

} // namespace quipu::cpu
